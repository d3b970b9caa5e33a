//! The strict server on a port of this machine, with TLS or without, for the program as it is installed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use postrider_fake::{FaultPlan, Server, listen, serve};
use postrider_test_support::CertPair;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Serves until it is dropped.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves from a thread of its own; with a certificate, TLS from the first octet.
    pub(super) fn start(server: &Server, plan: FaultPlan, tls: Option<&CertPair>) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel();
        let (server, acceptor) = (server.clone(), tls.map(acceptor));
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    served = serve_all(&server, &listener, &plan, acceptor) => served.unwrap(),
                    _ = ended => {}
                }
            });
        };
        let thread = Builder::new().name("listener".to_owned()).spawn(run).unwrap();
        Self { address: told.recv().unwrap(), end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.end.take());
        // A thread that failed has said so by itself.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve_all(
    server: &Server,
    listener: &TcpListener,
    plan: &FaultPlan,
    acceptor: Option<TlsAcceptor>,
) -> std::io::Result<()> {
    let Some(acceptor) = acceptor else { return listen(server, listener, plan).await };
    let mut tasks = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let (server, plan, acceptor) = (server.clone(), plan.clone(), acceptor.clone());
        tasks.spawn(async move { serve(&server, acceptor.accept(stream).await?, plan).await });
    }
}

fn acceptor(pair: &CertPair) -> TlsAcceptor {
    let cert = CertificateDer::from_pem_file(&pair.cert).unwrap();
    let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(vec![cert], key).unwrap()))
}
