use std::net::TcpListener;

use heka_message::MessageView;

use super::*;

fn opened(config: Config) -> Result<AmqpOutput, String> {
    AmqpOutput::open(config, &Context::for_test("out")).map_err(|error| error.to_string())
}

fn send(output: &mut AmqpOutput) -> SendError {
    let record = Record { message: MessageView::new(b""), bytes: b"text", loop_count: 0 };
    output.send(&[record], &Stop::new()).unwrap_err()
}

#[test]
fn options_that_cannot_work() {
    let config = |url: &str| Config { url: url.into(), ..Config::default() };
    let scheme = "AMQP scheme must be either 'amqp://' or 'amqps://'";
    assert_eq!(opened(config("http://localhost")).err().unwrap(), scheme);
    let long = Config { content_type: "t".repeat(256), ..config("amqp://localhost") };
    assert_eq!(opened(long).err().unwrap(), "`content_type` can't be longer than 255 bytes.");
    let tls = TlsOptions { ciphers: vec!["NONE".into()], ..TlsOptions::default() };
    let secret = Config { tls, ..config("amqps://localhost") };
    assert_eq!(opened(secret).err().unwrap(), "TLS init error: Invalid cipher string: NONE");
}

#[test]
fn a_broker_that_is_not_there_is_not_tried_at_each_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let retries = Retries { delay: "1h".into(), max_delay: "1h".into(), ..Retries::default() };
    let mut output =
        opened(Config { url: format!("amqp://{address}"), retries, ..Config::default() }).unwrap();
    let why = format!("can't connect: dial tcp {address}: connect: connection refused");
    assert!(matches!(send(&mut output), SendError::Retry(text) if text == why));
    // It listens now, but it is too early to know.
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    assert!(matches!(send(&mut output), SendError::Retry(text) if text == why));
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(output.delivered(), 0);
}

#[test]
fn an_output_may_give_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let retries =
        Retries { max_retries: 1, delay: "0s".into(), max_jitter: "0s".into(), ..Retries::default() };
    let mut output =
        opened(Config { url: format!("amqp://{address}"), retries, ..Config::default() }).unwrap();
    assert!(matches!(send(&mut output), SendError::Retry(_)));
    assert!(matches!(send(&mut output), SendError::Fatal(text) if text == "Max retries exceeded"));
}
