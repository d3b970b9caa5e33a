//! Ports for servers that cannot be handed a listening socket. A reservation keeps a socket bound to its
//! port without listening: the system gives that port to nobody who asks for any, while a server that asks
//! for it by number, with SO_REUSEADDR as servers do, gets it. The reservation stays while the server is
//! down, so a restart finds its port free.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};

/// A port of 127.0.0.1, ours until dropped.
#[derive(Debug)]
pub struct Reservation {
    _held: OwnedFd,
    port: u16,
}

impl Reservation {
    /// Reserves a free port.
    ///
    /// # Errors
    /// Where the system has none to give.
    pub fn new() -> Result<Self> {
        let held = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        sockopt::set_socket_reuseaddr(&held, true)?;
        bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).context("cannot reserve a port")?;
        let address = SocketAddrV4::try_from(getsockname(&held)?).context("not an IPv4 address")?;
        Ok(Self { _held: held, port: address.port() })
    }

    /// The port's number.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The loopback address with this port.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_server_gets_a_reserved_port_and_nobody_else_is_given_it() {
        let reservation = Reservation::new().unwrap();
        assert!(TcpStream::connect(reservation.address()).is_err(), "nothing listens yet");
        for _ in 0..2 {
            let server = TcpListener::bind(reservation.address()).unwrap();
            assert!(TcpStream::connect(reservation.address()).is_ok());
            drop(server);
        }
        let others: Vec<_> = (0..50).map(|_| Reservation::new().unwrap()).collect();
        assert!(others.iter().all(|other| other.port() != reservation.port()));
    }
}
