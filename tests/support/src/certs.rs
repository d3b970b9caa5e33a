//! A certificate authority of our own and server certificates for 127.0.0.1 and localhost: a good one, and
//! one for each way in which a certificate is bad. PEM files below a temporary directory; the authority is
//! never added to a system's roots.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

/// A server's certificate and its private key, as PEM files.
#[derive(Debug, Clone)]
pub struct CertPair {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// An authority and what it has signed. The files go when this is dropped.
#[derive(Debug)]
pub struct Certs {
    folder: TempDir,
    /// Signed by the authority, for 127.0.0.1 and localhost, valid.
    pub good: CertPair,
    /// As `good`, but it ended in 2020.
    pub expired: CertPair,
    /// For the right host, signed by itself.
    pub self_signed: CertPair,
    /// Signed by the authority, for another host (`elsewhere.example`).
    pub wrong_host: CertPair,
}

impl Certs {
    /// Makes an authority and the certificates.
    ///
    /// # Errors
    /// Where the files cannot be written.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("postrider-certs-").tempdir()?;
        let authority_key = KeyPair::generate()?;
        let authority = authority()?;
        fs::write(folder.path().join("ca.pem"), authority.self_signed(&authority_key)?.pem())?;
        let issuer = Issuer::new(authority, authority_key);
        let here = ["127.0.0.1", "localhost"];

        let sign = |name: &str, params: CertificateParams| -> Result<CertPair> {
            let key = KeyPair::generate()?;
            let cert = params.signed_by(&key, &issuer)?;
            write(folder.path(), name, &cert.pem(), &key)
        };
        let good = sign("good", server(&here)?)?;
        let wrong_host = sign("wrong-host", server(&["elsewhere.example"])?)?;
        let mut past = server(&here)?;
        past.not_before = date_time_ymd(2019, 1, 1);
        past.not_after = date_time_ymd(2020, 1, 1);
        let expired = sign("expired", past)?;
        let own_key = KeyPair::generate()?;
        let own = server(&here)?.self_signed(&own_key)?;
        let self_signed = write(folder.path(), "self-signed", &own.pem(), &own_key)?;
        Ok(Self { folder, good, expired, self_signed, wrong_host })
    }

    /// The authority's certificate, for `[tls] ca_file`.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn authority() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Postrider test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server(hosts: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, hosts.first().copied().unwrap_or_default());
    params.insert_extended_key_usage(rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    Ok(params)
}

fn write(folder: &Path, name: &str, cert_pem: &str, key: &KeyPair) -> Result<CertPair> {
    let pair =
        CertPair { cert: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key.pem")) };
    fs::write(&pair.cert, cert_pem)?;
    fs::write(&pair.key, key.serialize_pem())?;
    Ok(pair)
}
