//! The proxy's wire: what it delays, counts, cuts and holds back.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests of real time, with helpers")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::Proxy;
use postrider_test_support::proxy::Fault;

/// A server that says a thousand bytes, then echoes, for as many connections as come.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::Builder::new()
                    .spawn(move || {
                        let _ = stream.write_all(&[b'g'; 1000]);
                        let mut reader = stream.try_clone().unwrap();
                        let _ = std::io::copy(&mut reader, &mut stream);
                    })
                    .unwrap();
            }
        })
        .unwrap();
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn greeting(stream: &mut TcpStream) {
    stream.read_exact(&mut [0; 1000]).unwrap();
}

#[test]
fn bytes_pass_and_are_counted() {
    let proxy = Proxy::start(server(), Duration::ZERO).unwrap();
    let mut stream = connect(&proxy);
    greeting(&mut stream);
    stream.write_all(b"hello").unwrap();
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"hello");
    // Counted after they were written, so the counters may lag behind what was read.
    let deadline = Instant::now() + Duration::from_secs(10);
    let counted = || (proxy.to_server(), proxy.to_client(), proxy.connections());
    while counted() != (5, 1005, 1) {
        assert!(Instant::now() < deadline, "{:?}", counted());
        thread::yield_now();
    }
    proxy.reset();
    assert_eq!((proxy.to_server(), proxy.to_client(), proxy.connections()), (0, 0, 0));
}

#[test]
fn latency_delays_and_does_not_slow() {
    let round_trip = Duration::from_millis(100);
    let proxy = Proxy::start(server(), round_trip).unwrap();
    let started = Instant::now();
    let mut stream = connect(&proxy);
    greeting(&mut stream);
    // The handshake, and the way back of the greeting.
    assert!(started.elapsed() >= round_trip * 3 / 2, "{:?}", started.elapsed());
    let started = Instant::now();
    let mut reader = stream.try_clone().unwrap();
    let writer = thread::Builder::new()
        .spawn(move || (0..64).for_each(|_| stream.write_all(&[b'x'; 65536]).unwrap()))
        .unwrap();
    reader.read_exact(&mut vec![0; 64 * 65536]).unwrap();
    writer.join().unwrap();
    let elapsed = started.elapsed();
    assert!(elapsed >= round_trip, "{elapsed:?}");
    assert!(
        elapsed < round_trip * 20,
        "64 chunks are on the way together, not one after the other: {elapsed:?}"
    );
}

#[test]
fn a_cut_comes_after_exactly_so_many_bytes() {
    let proxy = Proxy::start(server(), Duration::ZERO).unwrap();
    proxy.set_fault(Fault::CutAfter(700));
    let mut got = Vec::new();
    // A reset counts as an end.
    let _ = connect(&proxy).read_to_end(&mut got);
    assert_eq!(got.len(), 700);
    proxy.set_fault(Fault::None);
    let mut stream = connect(&proxy);
    greeting(&mut stream);
    proxy.cut();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    proxy.set_refuse(true);
    assert_eq!(connect(&proxy).read(&mut [0; 1]).unwrap_or(0), 0);
}

#[test]
fn silence_holds_back_without_closing() {
    let proxy = Proxy::start(server(), Duration::ZERO).unwrap();
    proxy.set_fault(Fault::SilentAfter(400));
    let mut stream = connect(&proxy);
    stream.read_exact(&mut [0; 400]).unwrap();
    assert_silent(&mut stream);
    proxy.set_fault(Fault::None);

    let mut other = connect(&proxy);
    greeting(&mut other);
    proxy.set_silent(true);
    other.write_all(b"abc").unwrap();
    assert_silent(&mut other);
    proxy.set_silent(false);
    other.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut echo = [0; 3];
    other.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"abc");
    assert_silent(&mut stream);
    // Dropping joins the threads of silent connections too, or this test hangs.
    drop(proxy);
}

fn assert_silent(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let error = stream.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
}
