//! A secret as the store keeps it: XChaCha20-Poly1305 under the store's key, bound to its account and field (F8.1).
//!
//! The bytes are `1 ‖ key id (8) ‖ nonce (24) ‖ ciphertext and tag`. Account, field and what it was given for are authenticated with it,
//! so that a row copied to another account, a token to another field, or a password to another host, does not open. Nonces are random; 24 octets are wide enough for that
//! (draft-irtf-cfrg-xchacha, section 2.1).

use std::fmt;

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use postrider_model::{Entropy, ErrorClass, Fault};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::key::{KeyId, StoreKey, wrong_key};

/// The version of the form.
const VERSION: u8 = 1;
/// The octets of a nonce.
const NONCE: usize = 24;
/// The octets of a tag (RFC 8439, section 2.5).
const TAG: usize = 16;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// Which of that account's.
    pub field: &'a str,
    /// The login and the hosts that it was given for, as [`GivenFor`](super::GivenFor) writes them; `None` of what was sealed before
    /// that was kept.
    pub given_for: Option<&'a str>,
}

/// An account and a field, given for nothing in particular.
impl<'a> From<(&'a str, &'a str)> for Purpose<'a> {
    fn from((account, field): (&'a str, &'a str)) -> Self {
        Self { account, field, given_for: None }
    }
}

/// An encrypted secret. Nothing in it is secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    key_id: KeyId,
    nonce: [u8; NONCE],
    ciphertext: Vec<u8>,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret").field("key_id", &self.key_id.to_string()).finish_non_exhaustive()
    }
}

impl SealedSecret {
    /// Seals a secret for one field of one account.
    ///
    /// # Errors
    /// The cipher refuses, which it does for secrets of some 256 GiB alone.
    pub fn seal<'a>(
        key: &StoreKey,
        purpose: impl Into<Purpose<'a>>,
        secret: &SecretString,
        entropy: &dyn Entropy,
    ) -> Result<Self, Fault> {
        let purpose = purpose.into();
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let aad = bound_to(&purpose);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload);
        match sealed {
            Ok(ciphertext) => Ok(Self { key_id: key.id(), nonce, ciphertext }),
            Err(_) => {
                let action = format!("encrypt the {} of account {}", purpose.field, purpose.account);
                Err(Fault::new(ErrorClass::Permanent, action, "the cipher refused it"))
            }
        }
    }

    /// Opens a secret of one field of one account.
    ///
    /// # Errors
    /// The key is another one; what is sealed was changed, or belongs to another account or field.
    pub fn open<'a>(&self, key: &StoreKey, purpose: impl Into<Purpose<'a>>) -> Result<SecretString, Fault> {
        let purpose = purpose.into();
        if key.id() != self.key_id {
            return Err(wrong_key(key.id(), &[self.key_id]));
        }
        let aad = bound_to(&purpose);
        let payload = Payload { msg: &self.ciphertext, aad: &aad };
        let opened = cipher(key).decrypt(&XNonce::from(self.nonce), payload).ok().map(Zeroizing::new);
        let text = opened.as_ref().and_then(|octets| str::from_utf8(octets).ok());
        text.map(SecretString::from).ok_or_else(|| damaged(&purpose))
    }

    /// The id of the key that sealed it.
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The form in which the store keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 8 + NONCE + self.ciphertext.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.key_id.0);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    /// Reads the form in which the store keeps it.
    ///
    /// # Errors
    /// It is of a later version, or cut off.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let fault = |cause: &str| Fault::new(ErrorClass::Permanent, "read a stored secret", cause);
        let (version, rest) = bytes.split_first().ok_or_else(|| fault("it is empty"))?;
        if *version != VERSION {
            return Err(fault("it was written by a later version of postrider").hint("run that version"));
        }
        let cut_off = || fault("it is cut off").hint("give the password anew by `postrider account login`");
        let (key_id, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or_else(cut_off)?;
        if ciphertext.len() < TAG {
            return Err(cut_off());
        }
        Ok(Self { key_id: KeyId(*key_id), nonce: *nonce, ciphertext: ciphertext.to_vec() })
    }
}

fn cipher(key: &StoreKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.octets().into())
}

/// What a secret is bound to. Lengths come first, so that no two purposes give the same octets.
fn bound_to(purpose: &Purpose<'_>) -> Vec<u8> {
    let mut aad = b"postrider secret".to_vec();
    aad.push(VERSION);
    for part in [Some(purpose.account), Some(purpose.field), purpose.given_for].into_iter().flatten() {
        aad.extend_from_slice(&(part.len() as u64).to_le_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}

fn damaged(purpose: &Purpose<'_>) -> Fault {
    let Purpose { account, field, .. } = purpose;
    let action = format!("open the stored {field} of account {account}");
    let cause = "it is damaged, or was sealed for another account or field";
    Fault::new(ErrorClass::Permanent, action, cause)
        .hint(format!("give it anew by `postrider account login {account}`"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::{KeyPlace, test_entropy::Counting};

    fn key(seed: u8) -> StoreKey {
        let dir = tempfile::tempdir().unwrap();
        let owner_uid = rustix::process::geteuid().as_raw();
        let place = KeyPlace { credentials: None, file: dir.path().join("key"), owner_uid };
        StoreKey::load_or_create(&place, &[], &Counting::new(seed)).unwrap()
    }

    fn seal(key: &StoreKey, text: &str) -> SealedSecret {
        SealedSecret::seal(key, ("work", "password"), &SecretString::from(text), &Counting::new(3)).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_account_and_field_alone() {
        let key = key(1);
        let sealed = seal(&key, "hunter2");
        assert_eq!(sealed.open(&key, ("work", "password")).unwrap().expose_secret(), "hunter2");
        let elsewhere = Purpose { account: "work", field: "password", given_for: Some("anna@other.example") };
        assert!(sealed.open(&key, elsewhere).is_err());
        for (account, field) in
            [("work", "token"), ("home", "password"), ("workp", "assword"), ("", "workpassword")]
        {
            let fault = sealed.open(&key, (account, field)).unwrap_err();
            assert_eq!(
                fault.message(),
                format!(
                    "cannot open the stored {field} of account {account}: it is damaged, or was sealed for another \
                     account or field"
                )
            );
        }
    }

    #[test]
    fn another_key_is_told_by_its_id() {
        let (mine, other) = (key(1), key(2));
        let fault = seal(&mine, "hunter2").open(&other, ("work", "password")).unwrap_err();
        assert_eq!(
            fault.message(),
            format!(
                "cannot open the stored passwords: they are sealed by the key {}, and the key here is {}",
                mine.id(),
                other.id()
            )
        );
    }

    #[test]
    fn every_octet_is_authenticated() {
        let key = key(1);
        let bytes = seal(&key, "hunter2").to_bytes();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            if let Some(octet) = changed.get_mut(at) {
                *octet ^= 1;
            }
            let opened =
                SealedSecret::from_bytes(&changed).and_then(|sealed| sealed.open(&key, ("work", "password")));
            assert!(opened.is_err(), "octet {at}");
        }
    }

    #[test]
    fn what_is_cut_off_is_told() {
        let bytes = seal(&key(1), "").to_bytes();
        assert_eq!(bytes.len(), 1 + 8 + NONCE + TAG);
        for end in 0..bytes.len() {
            let fault = SealedSecret::from_bytes(bytes.get(..end).unwrap()).unwrap_err();
            assert_eq!(fault.cause, if end == 0 { "it is empty" } else { "it is cut off" });
        }
        assert_eq!(
            SealedSecret::from_bytes(&[2; 80]).unwrap_err().cause,
            "it was written by a later version of postrider"
        );
    }

    #[test]
    fn the_secret_is_in_no_printed_form() {
        let sealed = seal(&key(1), "hunter2");
        assert!(!sealed.to_bytes().windows(7).any(|window| window == b"hunter2"));
        assert_eq!(format!("{sealed:?}"), format!("SealedSecret {{ key_id: \"{}\", .. }}", sealed.key_id()));
    }

    proptest! {
        #[test]
        fn every_secret_survives(text in ".{0,200}") {
            let key = key(1);
            let sealed = SealedSecret::from_bytes(&seal(&key, &text).to_bytes()).unwrap();
            let opened = sealed.open(&key, ("work", "password")).unwrap();
            prop_assert_eq!(opened.expose_secret(), text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(sealed) = SealedSecret::from_bytes(&bytes) {
                prop_assert_eq!(sealed.to_bytes(), bytes);
            }
        }
    }
}
