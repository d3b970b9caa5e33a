//! What a provider's tests bring to the suite.

use async_trait::async_trait;
use postrider_model::{Timestamp, Uid};
use postrider_remote::MailRemote;

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
