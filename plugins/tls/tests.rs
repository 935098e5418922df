use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConnection, ServerConnection, Stream};

use super::*;

/// Files with a certificate and its key.
pub(crate) struct Files {
    pub(crate) cert: String,
    pub(crate) key: String,
}

fn write(dir: &Path, name: &str, cert: &str, key: &str) -> Files {
    let path = |end: &str, text: &str| {
        let path = dir.join(format!("{name}.{end}"));
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    Files { cert: path("crt", cert), key: path("key", key) }
}

fn params(name: &str, signs_others: bool) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_string()]).unwrap();
    if signs_others {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

/// A self-signed certificate for `name`, marked as one that signs others, as `openssl req -x509` makes it.
pub(crate) fn self_signed(dir: &Path, name: &str) -> Files {
    let key = KeyPair::generate().unwrap();
    let cert = params(name, true).self_signed(&key).unwrap();
    write(dir, name, &cert.pem(), &key.serialize_pem())
}

/// A certificate for `name` and the one that signed it.
fn signed(dir: &Path, name: &str) -> (Files, Files) {
    let issuer = CertifiedIssuer::self_signed(params("issuer", true), KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let cert = params(name, false).signed_by(&key, &issuer).unwrap();
    let of_issuer = write(dir, &format!("{name}-issuer"), &issuer.pem(), &issuer.key().serialize_pem());
    (write(dir, name, &cert.pem(), &key.serialize_pem()), of_issuer)
}

fn as_server(files: &Files) -> TlsOptions {
    TlsOptions { cert_file: files.cert.clone(), key_file: files.key.clone(), ..TlsOptions::default() }
}

fn trusting(files: &Files) -> TlsOptions {
    TlsOptions { root_cafile: files.cert.clone(), ..TlsOptions::default() }
}

/// Lets a client of one configuration talk to a server of another; gives what the client read and the version spoken.
fn talk(server: &TlsOptions, client: &TlsOptions, host: &str) -> Result<(String, String), String> {
    let config = server.server(true).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(config).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).map_err(|error| error.to_string())?;
        stream.write_all(&asked).map_err(|error| error.to_string())?;
        connection.send_close_notify();
        let _ = connection.complete_io(&mut socket);
        Ok::<(), String>(())
    });
    let (config, name) = client.client(host).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let mut connection = ClientConnection::new(config, name).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let talked = stream.write_all(b"ping").and_then(|()| {
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).map(|()| String::from_utf8_lossy(&answer).into_owned())
    });
    let version = format!("{:?}", connection.protocol_version());
    drop(socket);
    let served = serving.join().unwrap();
    let answer = talked.map_err(|error| error.to_string())?;
    served.map(|()| (answer, version))
}

#[test]
fn a_self_signed_certificate_that_is_listed_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let files = self_signed(dir.path(), "localhost");
    let (answer, version) = talk(&as_server(&files), &trusting(&files), "localhost").unwrap();
    assert_eq!((answer.as_str(), version.as_str()), ("ping", "Some(TLSv1_3)"));
    let wrong_name = talk(&as_server(&files), &trusting(&files), "other.host").unwrap_err();
    assert!(wrong_name.contains("not valid for name"), "{wrong_name}");
    let named = TlsOptions { server_name: "localhost".into(), ..trusting(&files) };
    assert!(talk(&as_server(&files), &named, "other.host").is_ok());
}

#[test]
fn a_certificate_of_a_stranger_is_not_believed_unless_checks_are_off() {
    let dir = tempfile::tempdir().unwrap();
    let (files, stranger) = (self_signed(dir.path(), "localhost"), self_signed(dir.path(), "stranger"));
    let why = talk(&as_server(&files), &trusting(&stranger), "localhost").unwrap_err();
    assert!(why.contains("invalid peer certificate"), "{why}");
    let careless = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    assert!(talk(&as_server(&files), &careless, "whatever").is_ok());
}

#[test]
fn a_signed_certificate_is_believed_for_its_issuer() {
    let dir = tempfile::tempdir().unwrap();
    let (files, issuer) = signed(dir.path(), "localhost");
    assert!(talk(&as_server(&files), &trusting(&issuer), "localhost").is_ok());
}

#[test]
fn versions_and_ciphers_are_agreed_on() {
    let dir = tempfile::tempdir().unwrap();
    let files = self_signed(dir.path(), "localhost");
    let old = TlsOptions {
        max_version: "TLS12".into(),
        ciphers: vec!["RSA_WITH_RC4_128_SHA".into(), "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256".into()],
        session_ticket_key: "00".repeat(32),
        ..as_server(&files)
    };
    assert_eq!(talk(&old, &trusting(&files), "localhost").unwrap().1, "Some(TLSv1_2)");
    let new = TlsOptions { min_version: "TLS13".into(), ..trusting(&files) };
    assert!(talk(&old, &new, "localhost").is_err());
}

#[test]
fn clients_are_asked_for_certificates_as_configured() {
    let dir = tempfile::tempdir().unwrap();
    let files = self_signed(dir.path(), "localhost");
    let (good, issuer) = signed(dir.path(), "client");
    let bad = self_signed(dir.path(), "bad");
    let asked = |client_auth: &str, ca: &Files, given: Option<&Files>| {
        let server = TlsOptions {
            client_auth: client_auth.into(),
            client_cafile: ca.cert.clone(),
            ..as_server(&files)
        };
        let mut client = trusting(&files);
        if let Some(given) = given {
            client.cert_file.clone_from(&given.cert);
            client.key_file.clone_from(&given.key);
        }
        talk(&server, &client, "localhost").is_ok()
    };
    for (client_auth, none, bad_one) in [
        ("NoClientCert", true, true),
        ("RequestClientCert", true, true),
        ("RequireAnyClientCert", false, true),
        ("VerifyClientCertIfGiven", true, false),
        ("RequireAndVerifyClientCert", false, false),
    ] {
        assert_eq!(asked(client_auth, &issuer, None), none, "{client_auth} without");
        assert_eq!(asked(client_auth, &issuer, Some(&bad)), bad_one, "{client_auth} with a stranger's");
        assert!(asked(client_auth, &issuer, Some(&good)), "{client_auth} with a good one");
    }
    assert!(asked("RequireAndVerifyClientCert", &bad, Some(&bad)), "a listed self-signed one");
}

#[test]
fn what_cannot_be_used_is_refused_in_the_words_of_heka_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let (files, other) = (self_signed(dir.path(), "localhost"), self_signed(dir.path(), "other"));
    let refused = |options: TlsOptions| options.server(true).unwrap_err();
    let incomplete = TlsOptions { key_file: String::new(), ..as_server(&files) };
    assert_eq!(refused(incomplete), "TLS config requires both cert_file and key_file value.");
    let missing = TlsOptions { cert_file: "no/such.pem".into(), ..as_server(&files) };
    assert_eq!(refused(missing), "open no/such.pem: no such file or directory");
    let mixed = TlsOptions { key_file: other.key.clone(), ..as_server(&files) };
    assert_eq!(refused(mixed), "tls: private key does not match public key");
    let swapped = TlsOptions { cert_file: files.key.clone(), ..as_server(&files) };
    assert_eq!(
        refused(swapped),
        "tls: failed to find certificate PEM data in certificate input, but did find a private key; \
         PEM inputs may have been switched"
    );
    let no_key = TlsOptions { key_file: files.cert.clone(), ..as_server(&files) };
    assert!(refused(no_key).starts_with("tls: failed to find private key PEM data in key input"));
    let maybe = TlsOptions { client_auth: "Maybe".into(), ..as_server(&files) };
    assert_eq!(refused(maybe), "Invalid ClientAuth value: Maybe");
    let short = TlsOptions { sesion_ticket_key: "ab".into(), ..as_server(&files) };
    assert_eq!(refused(short), "Invalid SessionTicketKey length: 1");
    let no_ca = TlsOptions { client_cafile: files.key.clone(), ..as_server(&files) };
    assert_eq!(refused(no_ca), format!("No PEM encoded certificates found in: {}", files.key));
}

#[test]
fn remarks_tell_where_options_do_not_mean_what_they_say() {
    let options = TlsOptions {
        max_version: "TLS10".into(),
        ciphers: vec!["RSA_WITH_RC4_128_SHA".into()],
        ..TlsOptions::default()
    };
    assert_eq!(options.remarks().len(), 2);
    assert!(TlsOptions::default().remarks().is_empty());
}
