//! A server that says what it is told to say, whatever the client asks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{Builder, JoinHandle};

/// Serves one connection from a thread of its own.
pub(crate) struct Scripted {
    address: SocketAddr,
    thread: Option<JoinHandle<Vec<u8>>>,
}

impl Scripted {
    /// Greets with the first line; answers each line that comes with the next, in which `$` is the client's tag. After the
    /// last it only listens.
    pub(crate) fn start(lines: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread =
            Builder::new().name("scripted".to_owned()).spawn(move || serve(&listener, lines)).unwrap();
        Self { address, thread: Some(thread) }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that the client sent. It has gone by now.
    pub(crate) fn heard(mut self) -> String {
        let heard = self.thread.take().unwrap().join().unwrap();
        String::from_utf8_lossy(&heard).into_owned()
    }
}

fn serve(listener: &TcpListener, lines: &[&str]) -> Vec<u8> {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let mut heard = Vec::new();
    let mut tag = "*".to_owned();
    for line in lines {
        reader.get_mut().write_all(line.replace('$', &tag).as_bytes()).unwrap();
        let from = heard.len();
        reader.read_until(b'\n', &mut heard).unwrap_or(0);
        tag = String::from_utf8_lossy(&heard[from..]).split(' ').next().unwrap_or_default().to_owned();
    }
    // A client that goes away in a hurry is no matter here.
    let _ = reader.read_to_end(&mut heard);
    heard
}
