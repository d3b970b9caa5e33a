//! The addresses in messages' headers: each spelling is stored once, and messages point to it.

use std::collections::HashMap;

use postrider_model::{Address, AddressRole, MessageId};
use rusqlite::{Connection, OptionalExtension, params};

use super::Tx;
use crate::Result;

/// Spellings remembered, so that most need no look into the table. Forgotten all at once when there are more.
const REMEMBERED: usize = 8192;

/// Ids of spellings met lately. It answers lookups only; nothing is ever decided by its order.
#[derive(Default)]
pub(super) struct KnownAddresses(HashMap<(String, String), i64>);

impl KnownAddresses {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn id(&mut self, conn: &Connection, address: &Address) -> Result<i64> {
        let key = (address.email.clone(), address.name.clone());
        if let Some(id) = self.0.get(&key) {
            return Ok(*id);
        }
        let id = find_or_insert(conn, address)?;
        if self.0.len() >= REMEMBERED {
            self.clear();
        }
        self.0.insert(key, id);
        Ok(id)
    }
}

fn find_or_insert(conn: &Connection, address: &Address) -> Result<i64> {
    let key = params![address.email.to_lowercase(), address.email, address.name];
    let found = conn
        .prepare_cached("SELECT id FROM address WHERE email = ?1 AND written = ?2 AND name = ?3")?
        .query_row(key, |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    conn.prepare_cached("INSERT INTO address (email, written, name) VALUES (?1, ?2, ?3)")?.execute(key)?;
    Ok(conn.last_insert_rowid())
}

impl Tx<'_> {
    /// Notes who stands in that message's header.
    pub(super) fn insert_addresses(&mut self, message: MessageId, addresses: &[Address]) -> Result<()> {
        for (pos, address) in (0_i64..).zip(addresses) {
            let id = self.known_addresses.id(self.conn, address)?;
            self.conn
                .prepare_cached(
                    "INSERT INTO message_address (message, pos, role, address) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute([message.0, pos, role_number(address.role), id])?;
        }
        Ok(())
    }
}

const ROLES: [AddressRole; 6] = [
    AddressRole::From,
    AddressRole::Sender,
    AddressRole::ReplyTo,
    AddressRole::To,
    AddressRole::Cc,
    AddressRole::Bcc,
];

const fn role_number(role: AddressRole) -> i64 {
    role as i64
}

/// The role that the schema numbers so.
pub(crate) fn role_from_number(number: i64) -> Option<AddressRole> {
    ROLES.get(usize::try_from(number).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_read_back_by_the_schemas_numbers() {
        for (number, role) in (0_i64..).zip(ROLES) {
            assert_eq!((role_number(role), role_from_number(number)), (number, Some(role)));
        }
        assert_eq!((role_from_number(6), role_from_number(-1)), (None, None));
    }
}
