//! Servers that hang, drip, close, send too much, or are no TLS servers: each answer is typed, and
//! arrives in time.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use etcd_pki_core::{
    Bundle, CertificateAuthority,
    cluster::Endpoint,
    probe::{Failure, Probe, ProbeError},
};

const LIMIT: Duration = Duration::from_millis(400);
/// More than the limit, on a busy machine
const SLACK: Duration = Duration::from_secs(3);

/// A server that treats each connection in this way, until the test ends.
fn server(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address.to_string().parse().unwrap()
}

/// Reads what the client sends first, and answers with these bytes.
fn answers(bytes: &'static [u8]) -> Endpoint {
    server(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(bytes);
    })
}

fn client() -> Bundle {
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    super::client_of(&ca)
}

/// The errors of both questions, within the limit.
fn errors(endpoint: &Endpoint) -> [ProbeError; 2] {
    let probe = Probe::new().with_timeout(LIMIT);
    let client = client();
    let timed = |question: &dyn Fn() -> ProbeError| {
        let began = Instant::now();
        let error = question();
        assert!(
            began.elapsed() < LIMIT + SLACK,
            "{error}: {:?}",
            began.elapsed()
        );
        assert_eq!(error.endpoint(), endpoint);
        let text = error.to_string();
        assert!(text.starts_with(&format!("{endpoint}: ")), "{text}");
        error
    };
    [
        timed(&|| probe.ask(endpoint).unwrap_err()),
        timed(&|| probe.offer(endpoint, &client).unwrap_err()),
    ]
}

macro_rules! assert_failures {
    ($endpoint:expr, $pattern:pat) => {
        for error in errors($endpoint) {
            assert!(matches!(error.failure(), $pattern), "{error}");
        }
    };
}

#[test]
fn servers_that_never_finish() {
    let hangs = server(|_stream| thread::sleep(Duration::from_secs(60)));
    assert_failures!(&hangs, Failure::TimeLimit(LIMIT));
    // The beginning of a record, and then a byte at a time
    let drips = server(|mut stream| {
        let mut byte = 0x16;
        while stream.write_all(&[byte]).is_ok() {
            byte = 3;
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_failures!(&drips, Failure::TimeLimit(LIMIT));
    // The system accepts the connections, and no program answers
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert_failures!(&address.parse().unwrap(), Failure::TimeLimit(LIMIT));
}

#[test]
fn servers_without_tls() {
    // As Go's server answers a handshake
    let http = answers(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request");
    assert_failures!(&http, Failure::PlainHttp);
    let in_parts = server(|mut stream| {
        for part in [&b"HT"[..], b"TP/1.0 400 Bad Request\r\n\r\n"] {
            let _ = stream.write_all(part);
            thread::sleep(Duration::from_millis(50));
        }
        let _ = stream.read(&mut [0; 4096]);
    });
    assert_failures!(&in_parts, Failure::PlainHttp);
    // As etcd does: what is no HTTP is closed
    let closes_tls = server(|mut stream| {
        let mut first = [0; 4];
        if stream.read_exact(&mut first).is_ok() && &first == b"GET " {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    assert_failures!(&closes_tls, Failure::PlainHttp);
    let ssh = answers(b"SSH-2.0-OpenSSH_9.2\r\n");
    assert_failures!(&ssh, Failure::NotTls);
    let almost = answers(b"HTT");
    assert_failures!(&almost, Failure::NotTls);
    let zeros = answers(&[0; 5000]);
    assert_failures!(&zeros, Failure::NotTls);
}

#[test]
fn servers_that_break_off() {
    let closes = server(drop);
    assert_failures!(&closes, Failure::Closed);
    let handshake_failure = answers(&[0x15, 3, 3, 0, 2, 2, 40]);
    for error in errors(&handshake_failure) {
        let Failure::Alert(alert) = error.failure() else {
            panic!("{error}");
        };
        assert_eq!(
            (alert.name(), alert.number()),
            (Some("handshake_failure"), 40)
        );
    }
    let unknown_alert = answers(&[0x15, 3, 3, 0, 2, 2, 200]);
    for error in errors(&unknown_alert) {
        assert!(error.to_string().ends_with("alert 200"), "{error}");
    }
    // A record that is no handshake message, one that is incomplete, and a ServerHello of nothing
    let garbage = answers(&[0x16, 3, 3, 0, 4, 0xff, 0, 0, 0]);
    assert_failures!(&garbage, Failure::Protocol(_));
    let incomplete = answers(&[0x16, 3, 3, 0x40, 0, 2, 0, 0]);
    assert_failures!(&incomplete, Failure::Closed);
    let empty_hello = answers(&[0x16, 3, 3, 0, 4, 2, 0, 0, 0]);
    assert_failures!(&empty_hello, Failure::Protocol(_));
}

/// A server that never stops sending is left.
#[test]
fn a_server_that_sends_without_end() {
    for record in [
        // Fragments of one handshake message of 16 MiB, and warnings
        &[
            &[0x16, 3, 3, 0x20, 0, 11, 0xff, 0xff, 0xff][..],
            &[0; 0x1ffc],
        ]
        .concat(),
        &[0x15, 3, 3, 0, 2, 1, 90].repeat(100),
    ] {
        let record = record.clone();
        let floods = server(move |mut stream| while stream.write_all(&record).is_ok() {});
        assert_failures!(
            &floods,
            Failure::Protocol(_) | Failure::TooLarge(_) | Failure::TimeLimit(_)
        );
    }
}

#[test]
fn no_server_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_failures!(
        &address.to_string().parse().unwrap(),
        Failure::Unreachable(_)
    );
    let localhost = Endpoint::new("localhost", address.port()).unwrap();
    assert_failures!(&localhost, Failure::Unreachable(_));
    // A name that no host can have (RFC 6761, section 6.4); a resolver may be slow
    let unknown = Endpoint::new("etcd-1.invalid", 2379).unwrap();
    assert_failures!(&unknown, Failure::Unreachable(_) | Failure::TimeLimit(_));
    // A machine without IPv6 cannot connect either
    let ipv6 = Endpoint::new("::1", address.port()).unwrap();
    assert_failures!(&ipv6, Failure::Unreachable(_));
}

/// A name is resolved, and the server at its address is asked.
#[test]
fn a_name_and_its_addresses() {
    let hangs = server(|_stream| thread::sleep(Duration::from_secs(60)));
    let named = Endpoint::new("localhost", hangs.port()).unwrap();
    assert_failures!(&named, Failure::TimeLimit(LIMIT));
}
