//! The real dialer: TCP to whichever address of a host answers first.
//!
//! The attempts start one after another, a quarter of a second apart or as soon as one fails, the address families in turn
//! (RFC 8305, sections 4 and 5, without its ranking by history). What loses is closed; nothing stays running.

use std::{io, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use rustix::net::sockopt;
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};

use crate::{Dialer, Endpoint, Io};

/// How long an attempt runs alone (RFC 8305, section 8).
const HEAD_START: Duration = Duration::from_millis(250);

/// Dials TCP by the operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDialer;

#[async_trait]
impl Dialer for TcpDialer {
    async fn dial(&self, to: &Endpoint) -> io::Result<Box<dyn Io>> {
        let addresses =
            lookup_host((to.host.as_str(), to.port)).await.map_err(|why| unknown(to, &why.to_string()))?;
        let stream = race(in_turn(addresses.collect()), to).await?;
        stream.set_nodelay(true)?;
        keep_alive(&stream);
        Ok(Box::new(stream))
    }
}

fn unknown(to: &Endpoint, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("unknown host {}: {why}", to.host))
}

/// The addresses with the families alternating, the resolver's first choice first.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|at| at.is_ipv6() == first_is_v6);
    let (mut preferred, mut others) = (preferred.into_iter(), others.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = [preferred.next(), others.next()];
        if pair == [None, None] {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

async fn race(addresses: Vec<SocketAddr>, to: &Endpoint) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    let mut failure = unknown(to, "it has no address");
    let mut waiting = addresses.into_iter();
    loop {
        match waiting.next() {
            Some(address) => drop(attempts.spawn(TcpStream::connect(address))),
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        let pause = if waiting.len() == 0 { Duration::MAX } else { HEAD_START };
        match timeout(pause, attempts.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(why)))) => failure = why,
            Ok(Some(Err(why))) => failure = io::Error::other(why),
            Ok(None) | Err(_) => {}
        }
    }
}

/// Lets the kernel notice a peer that is gone: after a minute of silence, and three probes ten seconds apart. Where it
/// refuses, the time-outs above still hold.
fn keep_alive(stream: &TcpStream) {
    let set = || -> rustix::io::Result<()> {
        sockopt::set_socket_keepalive(stream, true)?;
        sockopt::set_tcp_keepidle(stream, Duration::from_secs(60))?;
        sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10))?;
        sockopt::set_tcp_keepcnt(stream, 3)
    };
    if let Err(why) = set() {
        tracing::debug!(%why, "tcp keep-alive is not set");
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn families_take_turns() {
        let at = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let (a, b, c) = (at("[::1]:1"), at("[::2]:1"), at("127.0.0.1:1"));
        assert_eq!(in_turn(vec![a, b, c]), [a, c, b]);
        assert_eq!(in_turn(vec![c, a, b]), [c, a, b]);
    }

    #[tokio::test]
    async fn a_dead_address_does_not_keep_from_a_live_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = listener.local_addr().unwrap();
        let dead: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let stream = race(vec![dead, live], &Endpoint::new("test", 1)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
        let refused = race(vec![dead], &Endpoint::new("test", 1)).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn bytes_go_both_ways() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async {
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.write_all(b"hello").await.unwrap();
        };
        let call = async {
            let mut io = TcpDialer.dial(&Endpoint::new("127.0.0.1", port)).await.unwrap();
            let mut heard = String::new();
            io.read_to_string(&mut heard).await.unwrap();
            heard
        };
        assert_eq!(tokio::join!(serve, call).1, "hello");
    }

    #[tokio::test]
    async fn an_unknown_host_is_named() {
        let why = TcpDialer.dial(&Endpoint::new("no-such-host.invalid", 993)).await.err().unwrap();
        assert_eq!(why.kind(), io::ErrorKind::NotFound);
        assert!(why.to_string().starts_with("unknown host no-such-host.invalid: "), "{why}");
    }
}
