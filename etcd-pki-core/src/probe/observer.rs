//! Records what a server shows in a handshake, and presents a client certificate.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::{
    DigitallySignedStruct, Error, SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    sign::{CertifiedKey, Signer, SigningKey},
    version::{TLS12, TLS13},
};

use super::{
    answer::{Answer, TlsVersion},
    failure::Failure,
};
use crate::{
    key::{KeyAlgorithm, PrivateKey},
    x509::{advertised::AdvertisedCa, bundle::Bundle, certificate::Certificate},
};

/// The schemes of signatures that this crate verifies, the best first. They include P-521, which
/// etcd's own certificates have (`SelfCert` in `client/pkg/transport/listener.go`).
const SCHEMES: [SignatureScheme; 10] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Observes one handshake.
#[derive(Debug)]
pub(super) struct Observer {
    certificate: Option<ClientCertificate>,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct ClientCertificate {
    certified: Arc<CertifiedKey>,
    algorithm: String,
    versions: &'static [&'static SupportedProtocolVersion],
}

/// What the server has shown.
#[derive(Debug, Default)]
pub(super) struct Seen {
    chain: Vec<Certificate>,
    /// Whether the server has proven that it has the key of its certificate
    is_proven: bool,
    request: Option<Vec<AdvertisedCa>>,
    failure: Option<Failure>,
}

impl Seen {
    /// Whether the server has shown everything, and waits for this side.
    pub(super) fn is_complete(&self) -> bool {
        self.is_proven && self.request.is_some()
    }

    pub(super) fn requests_certificate(&self) -> bool {
        self.request.is_some()
    }

    pub(super) fn answer(self, version: TlsVersion) -> Result<Answer, Failure> {
        if !self.is_proven {
            return Err(Failure::Protocol(
                "the server has not proven that it has a key".to_owned(),
            ));
        }
        Ok(Answer {
            chain: self.chain,
            version,
            request: self.request,
        })
    }
}

impl Observer {
    /// Presents no certificate.
    pub(super) fn anonymous() -> Arc<Self> {
        Arc::new(Self {
            certificate: None,
            seen: Mutex::default(),
        })
    }

    /// Presents a certificate with its chain, even if the server names other CAs.
    pub(super) fn with_certificate(bundle: &Bundle) -> Result<Arc<Self>, Failure> {
        let (key, versions) = signing_key(bundle.key())?;
        let certificates = std::iter::once(bundle.certificate()).chain(bundle.chain());
        let certificates = certificates.map(|one| CertificateDer::from(one.as_der().to_vec()));
        let certificate = ClientCertificate {
            certified: Arc::new(CertifiedKey::new(certificates.collect(), key)),
            algorithm: bundle.key().public_key().algorithm_name().to_owned(),
            versions,
        };
        Ok(Arc::new(Self {
            certificate: Some(certificate),
            seen: Mutex::default(),
        }))
    }

    /// The versions of TLS in which the key can be used.
    pub(super) fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        let certificate = self.certificate.as_ref();
        certificate.map_or(&[], |certificate| certificate.versions)
    }

    /// Takes what the server has shown.
    ///
    /// # Errors
    ///
    /// The failure of this side, which rustls knows only as text.
    pub(super) fn seen(&self) -> Result<Seen, Failure> {
        let mut seen = std::mem::take(&mut *self.lock());
        match seen.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(seen),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, failure: Failure) -> Error {
        let text = failure.to_string();
        self.lock().failure = Some(failure);
        Error::General(text)
    }

    /// Verifies the signature over the handshake with the key of the server's certificate.
    fn verify(
        &self,
        message: &[u8],
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = self.lock().chain.first().cloned();
        let certificate = certificate.ok_or(Error::NoCertificatesPresented)?;
        let key = certificate.public_key();
        match key.verify_tls(signed.scheme.into(), message, signed.signature()) {
            Ok(()) => {
                self.lock().is_proven = true;
                Ok(HandshakeSignatureValid::assertion())
            }
            Err(error) => Err(self.refuse(Failure::Certificate(error.to_string()))),
        }
    }
}

impl ServerCertVerifier for Observer {
    /// Accepts every certificate: the probe reports it.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        let chain: crate::Result<Vec<Certificate>> =
            all.map(|der| Certificate::from_der(der)).collect();
        match chain {
            Ok(chain) => {
                self.lock().chain = chain;
                Ok(ServerCertVerified::assertion())
            }
            Err(error) => Err(self.refuse(Failure::Certificate(error.to_string()))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithm = self
            .lock()
            .chain
            .first()
            .map(|one| one.public_key().algorithm_name().to_owned());
        // TLS 1.3 binds each scheme to one curve, and has no RSA signatures of PKCS#1 (RFC 8446,
        // section 4.2.3)
        let is_allowed = match signed.scheme {
            SignatureScheme::ECDSA_NISTP256_SHA256 => algorithm.as_deref() == Some("ec-p256"),
            SignatureScheme::ECDSA_NISTP384_SHA384 => algorithm.as_deref() == Some("ec-p384"),
            SignatureScheme::ECDSA_NISTP521_SHA512 => algorithm.as_deref() == Some("ec-p521"),
            SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::RSA_PSS_SHA512
            | SignatureScheme::ED25519 => true,
            _ => false,
        };
        if !is_allowed {
            let reason = "its signature has an algorithm that TLS 1.3 does not allow";
            return Err(self.refuse(Failure::Certificate(reason.to_owned())));
        }
        self.verify(message, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

impl ResolvesClientCert for Observer {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let mut seen = self.lock();
        let subjects = root_hint_subjects.iter();
        seen.request = Some(subjects.map(|der| AdvertisedCa::from_der(der)).collect());
        let certificate = self.certificate.as_ref()?;
        if certificate
            .certified
            .key
            .choose_scheme(sigschemes)
            .is_none()
        {
            let algorithm = &certificate.algorithm;
            let reason = format!("the server takes no signatures of {algorithm}");
            seen.failure = Some(Failure::Key(reason));
            return None;
        }
        Some(Arc::clone(&certificate.certified))
    }

    fn has_certs(&self) -> bool {
        self.certificate.is_some()
    }
}

/// A key in the form of rustls, and the versions of TLS in which it can be used. ring signs with
/// the usual keys, and this crate with the others that etcd accepts.
fn signing_key(
    key: &PrivateKey,
) -> Result<
    (
        Arc<dyn SigningKey>,
        &'static [&'static SupportedProtocolVersion],
    ),
    Failure,
> {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    // RSA signs in TLS 1.3 only with PSS
    static OLDER: [&SupportedProtocolVersion; 1] = [&TLS12];
    let der = key.to_secret_der();
    let pkcs8 = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der.as_slice()));
    if let Ok(key) = ring::sign::any_supported_type(&pkcs8) {
        return Ok((key, &BOTH));
    }
    let (scheme, versions): (_, &'static [&'static SupportedProtocolVersion]) =
        match key.algorithm() {
            KeyAlgorithm::EcP521 => (SignatureScheme::ECDSA_NISTP521_SHA512, &BOTH),
            KeyAlgorithm::OtherRsa => (SignatureScheme::RSA_PKCS1_SHA256, &OLDER),
            other => return Err(Failure::Key(format!("{other} is not usable in TLS"))),
        };
    // The bytes come from a private key that was loaded
    let key = PrivateKey::from_der(&der).map_err(|error| Failure::Key(error.to_string()))?;
    let key = OtherKey {
        key: Arc::new(key),
        scheme,
    };
    Ok((Arc::new(key), versions))
}

/// A key with which rustls cannot sign.
#[derive(Clone)]
struct OtherKey {
    key: Arc<PrivateKey>,
    scheme: SignatureScheme,
}

impl SigningKey for OtherKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let is_offered = offered.contains(&self.scheme);
        is_offered.then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => SignatureAlgorithm::RSA,
            _ => SignatureAlgorithm::ECDSA,
        }
    }
}

impl Signer for OtherKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.key.sign(message);
        signature.map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

impl fmt::Debug for OtherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherKey")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}
