//! A CA with a key in an HSM or a key service: `cargo run --example key_elsewhere`.
//!
//! In this example a thread has the key. It receives messages and sends signatures, and the key
//! never leaves it.

use std::{
    error::Error,
    sync::{Mutex, mpsc},
    thread,
};

use etcd_pki_core::{
    CertificateAuthority, Error as PkiError, Identity, PrivateKey, Profile, PublicKey, Result,
    Role, ca::Signer,
};

/// A message to sign, and where to send the signature.
type Job = (Vec<u8>, mpsc::Sender<Result<Vec<u8>>>);

/// The signer, which sends messages to the thread with the key.
struct Remote {
    public_key: PublicKey,
    jobs: Mutex<mpsc::Sender<Job>>,
}

impl Signer for Remote {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let (reply, answer) = mpsc::channel();
        let sent = self
            .jobs
            .lock()
            .is_ok_and(|jobs| jobs.send((message.to_vec(), reply)).is_ok());
        match answer.recv() {
            Ok(signature) if sent => signature,
            _ => Err(PkiError::Signer {
                reason: "the place with the key does not answer".to_owned(),
            }),
        }
    }
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let key = PrivateKey::generate()?;
    let public_key = key.public_key().clone();
    let identity = Identity::from_common_name("etcd-ca")?;
    let now = std::time::SystemTime::now();
    let ca = CertificateAuthority::create_for(key, &identity, Profile::ca(), now)?;
    let certificate = ca.certificate().clone();

    let (jobs, inbox) = mpsc::channel::<Job>();
    let place = thread::spawn(move || {
        for (message, reply) in inbox {
            if let Some(key) = ca.key() {
                // The receiver may have stopped waiting
                let _ = reply.send(key.sign(&message));
            }
        }
    });

    let remote = Remote {
        public_key,
        jobs: Mutex::new(jobs),
    };
    let ca = CertificateAuthority::from_signer(vec![certificate], remote)?;
    let bundle = ca.issue(Role::Client, Identity::new("backup")?)?;
    print!("{}", bundle.to_pem());

    drop(ca);
    place.join().map_err(|_| "the place with the key failed")?;
    Ok(())
}
