//! Every refusal of a certificate, by a server that has just that certificate.

use postrider_model::{Clock, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[derive(Debug)]
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0)
    }
}

/// 2026-06-01, within the certificates' year.
const IN_TIME: i64 = 1_780_272_000;
const YEAR: i64 = 366 * 86_400;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    fn server(&self, host: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params(host).signed_by(&key, &self.0).unwrap();
        config(certificate.der().clone(), &key)
    }
}

fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, host);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params
}

fn self_signed(host: &str, is_ca: IsCa) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut params = params(host);
    params.is_ca = is_ca;
    let certificate = params.self_signed(&key).unwrap();
    config(certificate.der().clone(), &key)
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![certificate], key).unwrap())
}

async fn meet(connector: &TlsConnector, host: &str, server: Arc<ServerConfig>) -> Result<String, TlsError> {
    let (ours, theirs) = tokio::io::duplex(16_384);
    let serve = async {
        if let Ok(mut stream) = tokio_rustls::TlsAcceptor::from(server).accept(theirs).await {
            let _ = stream.write_all(b"hello").await;
            let _ = stream.shutdown().await;
        }
    };
    let call = async {
        let mut io = connector.connect(host, Box::new(ours)).await?;
        let mut heard = String::new();
        io.read_to_string(&mut heard).await.map_err(TlsError::Io)?;
        Ok(heard)
    };
    tokio::join!(serve, call).1
}

fn trusting(authority: &Authority, at: i64) -> TlsConnector {
    TlsConnector::new(authority.pem(), Arc::new(At(at)))
}

#[tokio::test]
async fn a_good_certificate_of_a_trusted_authority_is_accepted() {
    let authority = Authority::new("ours");
    let heard = meet(&trusting(&authority, IN_TIME), "mail.test", authority.server("mail.test")).await;
    assert_eq!(heard.unwrap(), "hello");
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused() {
    let authority = Authority::new("ours");
    let late = meet(&trusting(&authority, IN_TIME + YEAR), "mail.test", authority.server("mail.test")).await;
    assert!(matches!(late, Err(TlsError::Expired)), "{late:?}");
    let early = meet(&trusting(&authority, IN_TIME - YEAR), "mail.test", authority.server("mail.test")).await;
    assert!(matches!(early, Err(TlsError::NotYetValid)), "{early:?}");
}

#[tokio::test]
async fn another_servers_certificate_is_refused_and_its_names_are_told() {
    let authority = Authority::new("ours");
    let why =
        meet(&trusting(&authority, IN_TIME), "mail.test", authority.server("other.test")).await.unwrap_err();
    assert_eq!(why.to_string(), "the server's certificate is not for mail.test, but for other.test");
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_in_both_its_forms() {
    let authority = Authority::new("ours");
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let why = meet(&trusting(&authority, IN_TIME), "mail.test", self_signed("mail.test", is_ca))
            .await
            .unwrap_err();
        assert!(matches!(why, TlsError::UnknownIssuer), "{why:?}");
        assert!(why.hint().is_some_and(|hint| hint.contains("ca_file")));
    }
}

#[tokio::test]
async fn an_authority_that_is_not_ours_is_refused() {
    let ours = Authority::new("ours");
    for name in ["theirs", "ours"] {
        let theirs = Authority::new(name);
        let why = meet(&trusting(&ours, IN_TIME), "mail.test", theirs.server("mail.test")).await.unwrap_err();
        assert!(matches!(why, TlsError::UnknownIssuer), "{name}: {why:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_with_a_bad_certificate() {
    let (ours, mut theirs) = tokio::io::duplex(4_096);
    theirs.write_all(b"* OK ready\r\n").await.unwrap();
    let connector = trusting(&Authority::new("ours"), IN_TIME);
    let why = connector.connect("mail.test", Box::new(ours)).await.err().unwrap();
    assert!(matches!(why, TlsError::NotTls), "{why:?}");
}

#[tokio::test]
async fn a_ca_file_without_a_certificate_is_an_error() {
    for text in ["nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let connector = TlsConnector::new(text.into(), Arc::new(At(IN_TIME)));
        let (ours, _theirs) = tokio::io::duplex(4_096);
        let why = connector.connect("mail.test", Box::new(ours)).await.err().unwrap();
        assert!(matches!(why, TlsError::CaFile(_)), "{why:?}");
    }
}
