//! What a provider's tests bring to the suite.

use async_trait::async_trait;
use postrider_model::{Timestamp, Uid};
use postrider_remote::{MailRemote, MailWatcher, MailWriter};

/// A message that the other client puts into a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its bytes, each line ending in CR LF.
    pub bytes: Vec<u8>,
    /// Its flags as they stand on the wire: `\Seen`, `Later`.
    pub flags: Vec<String>,
    /// When the server received it; whole seconds.
    pub received: Timestamp,
}

/// The provider under test, and someone else's client of the same mail. Folders are named as people name them, with `/`
/// between levels. Each call is done when the server has it.
#[async_trait]
pub trait MailHarness: Send {
    /// The provider over connections of its own.
    fn remote(&self) -> Box<dyn MailRemote>;

    /// Makes a folder.
    async fn create(&mut self, folder: &str);

    /// Renames a folder.
    async fn rename(&mut self, from: &str, to: &str);

    /// Deletes a folder with what is in it.
    async fn delete(&mut self, folder: &str);

    /// Puts a message into a folder; its UID.
    async fn append(&mut self, folder: &str, letter: &Letter) -> Uid;

    /// Gives a message these flags and no others.
    async fn set_flags(&mut self, folder: &str, uid: Uid, flags: &[&str]);

    /// Deletes messages for good.
    async fn expunge(&mut self, folder: &str, uids: &[Uid]);

    /// Moves messages to another folder.
    async fn move_to(&mut self, from: &str, uids: &[Uid], to: &str);

    /// Gives the folder's messages, which are these, new UIDs under a new UIDVALIDITY.
    async fn renumber(&mut self, folder: &str, letters: &[Letter]);

    /// Lets that happen, and then sets the folder back to what it was before under its old UIDVALIDITY, as an administrator
    /// does with a backup. False where this server has no way to do that.
    async fn restored_after(&mut self, folder: &str, letter: &Letter) -> bool;

    /// From now on the server refuses whatever it is asked once somebody is logged in. False where it cannot be made to.
    async fn refuse(&mut self, refuses: bool) -> bool;

    /// From now on nobody answers.
    async fn vanish(&mut self);
}

/// What a server can say and do of writes; a suite expects no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It tells where copied, moved and new messages stand.
    pub tells_places: bool,
    /// It erases the messages that are named, and no others. Without, they stay marked.
    pub erases_by_name: bool,
    /// It moves in one step, also where it cannot erase by name.
    pub moves: bool,
}

/// A write whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Flags.
    Flags,
    /// A move, at the step that moves or copies.
    Move,
    /// A copy.
    Copy,
    /// Erasing, at its last step.
    Expunge,
    /// Putting a message into a folder.
    Append,
    /// Making a folder.
    Create,
}

/// The provider that changes what the other client sees.
#[async_trait]
pub trait WriteHarness: MailHarness {
    /// The provider over connections of its own.
    fn writer(&self) -> Box<dyn MailWriter>;

    /// The provider as a watcher, over connections of its own.
    fn watcher(&self) -> Box<dyn MailWatcher>;

    /// What the server can.
    fn abilities(&self) -> Abilities;

    /// The folders that are subscribed to.
    async fn subscribed(&mut self) -> Vec<String>;

    /// From now on, and until the next call, the server does that write and its answer is lost; `None`: no more. False where the
    /// server cannot be made to.
    async fn lose_answers_to(&mut self, deed: Option<Deed>) -> bool;

    /// Whether that folder keeps no keywords from now on. False where the server cannot be made to.
    async fn keep_no_keywords(&mut self, folder: &str) -> bool;

    /// From now on there is no room, or there is again. False where the server cannot be made to.
    async fn fill_up(&mut self, is_full: bool) -> bool;
}
