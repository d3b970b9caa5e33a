//! A name server of one name (RFC 1035), on a loopback address of its own: whoever asks for an IPv4 address gets 127.0.0.1, whoever asks
//! for anything else gets no answer to it. By it a program in a sandbox shows that it resolves names over the network.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

/// The one port that resolv.conf(5) knows.
const PORT: u16 = 53;
const HEADER: usize = 12;
const LOOK: Duration = Duration::from_millis(200);

/// A name server. Dropping it ends it.
pub(super) struct Dns {
    address: Ipv4Addr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stopping: AtomicBool,
    answered: AtomicUsize,
}

impl Dns {
    /// Starts one.
    ///
    /// # Errors
    /// Where no loopback address has the port free, which only root may take.
    pub(super) fn start() -> Result<Self> {
        // Two runs at once have different process ids, and a third address is tried where one is taken all the same.
        let [high, low, ..] =
            std::process::id().to_be_bytes().map(|octet| octet.wrapping_mul(31)).map(|o| o.max(1));
        let socket = (1..=254u8)
            .map(|nth| Ipv4Addr::new(127, high.wrapping_add(nth), low, nth))
            .find_map(|address| UdpSocket::bind((address, PORT)).ok())
            .context("cannot take port 53 of a loopback address")?;
        socket.set_read_timeout(Some(LOOK))?;
        let address = match socket.local_addr()? {
            SocketAddr::V4(address) => *address.ip(),
            SocketAddr::V6(_) => Ipv4Addr::LOCALHOST,
        };
        let state = Arc::new(State::default());
        let shared = state.clone();
        let thread = Builder::new().name("dns".to_owned()).spawn(move || serve(&socket, &shared))?;
        Ok(Self { address, state, thread: Some(thread) })
    }

    /// Where it answers.
    pub(super) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// How many questions it answered.
    pub(super) fn answered(&self) -> usize {
        self.state.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.state.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(socket: &UdpSocket, state: &State) {
    let mut question = [0; 512];
    while !state.stopping.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut question) else { continue };
        if let Some(answer) = question.get(..length).and_then(answer)
            && socket.send_to(&answer, from).is_ok()
        {
            state.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The answer to one question (RFC 1035, section 4). `None` for what is none.
fn answer(message: &[u8]) -> Option<Vec<u8>> {
    let name = message.get(HEADER..)?.iter().position(|octet| *octet == 0)?;
    let question = message.get(HEADER..HEADER + name + 5)?;
    let is_address = question.ends_with(&[0, 1, 0, 1]);
    let mut answer = message.get(..2)?.to_vec();
    // A response, recursion wished and available, no error; one question; one record or none.
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0]);
    answer.extend(question);
    if is_address {
        // The name at octet 12, type A, class IN, 60 s, four octets.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04mail\x04test\x00\x00\x01\x00\x01";

    #[test]
    fn an_address_is_answered_and_anything_else_has_no_record() {
        let told = answer(QUESTION).unwrap();
        assert!(told.starts_with(b"\x12\x34\x81\x80\x00\x01\x00\x01"), "{told:x?}");
        assert!(told.ends_with(&[127, 0, 0, 1]));
        let mut of_ipv6 = QUESTION.to_vec();
        of_ipv6[QUESTION.len() - 3] = 28;
        let told = answer(&of_ipv6).unwrap();
        assert!(told.starts_with(b"\x12\x34\x81\x80\x00\x01\x00\x00"), "{told:x?}");
        assert_eq!(told.len(), QUESTION.len());
    }

    #[test]
    fn what_is_no_question_has_no_answer() {
        for length in 0..QUESTION.len() {
            assert_eq!(answer(&QUESTION[..length]), None, "{length} octets");
        }
    }
}
