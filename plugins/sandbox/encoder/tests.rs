use super::*;

fn open(script: &str) -> SandboxEncoder {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.lua");
    std::fs::write(&file, script).unwrap();
    let options =
        SandboxEncoderConfig { filename: file.to_str().unwrap().into(), ..SandboxEncoderConfig::default() };
    SandboxEncoder::open(options, &Context::for_test("out-enc")).unwrap()
}

fn message(payload: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let message = Message { payload: Some(payload.into()), timestamp: Some(5), ..Message::default() };
    message.encode(&mut bytes);
    bytes
}

/// Encodes behind other bytes, which must stay.
fn encode(encoder: &mut SandboxEncoder, payload: &str) -> Result<(Encode, Vec<u8>), String> {
    let bytes = message(payload);
    let mut out = b"before".to_vec();
    let result = encoder.encode(MessageView::new(&bytes), &mut out).map_err(|why| why.to_string())?;
    assert_eq!(&out[..6], b"before");
    Ok((result, out.split_off(6)))
}

#[test]
fn without_an_injection_the_message_itself_is_the_output() {
    let mut encoder = open("function process_message() return 0 end");
    assert_eq!(encode(&mut encoder, "p").unwrap(), (Encode::Done, message("p")));
    let script = "function process_message() write_message('Payload', 'changed')
        if read_message('Payload') ~= 'changed' then return -1 end inject_payload() return 0 end";
    assert_eq!(encode(&mut open(script), "p").unwrap(), (Encode::Done, message("changed")));
}

#[test]
fn the_last_injection_is_the_output() {
    let script = "function process_message() inject_payload('txt', 'n', 'first') inject_payload('txt', 'n', 'last') return 0 end";
    assert_eq!(encode(&mut open(script), "p").unwrap(), (Encode::Done, b"last".to_vec()));
    let script = "function process_message() inject_message(read_message('raw')) return 0 end";
    assert_eq!(encode(&mut open(script), "p").unwrap(), (Encode::Done, message("p")));
}

#[test]
fn statuses_skip_fail_and_end() {
    let script = "function process_message() inject_payload('t', 'n', 'x') local p = read_message('Payload')
        if p == 'skip' then return -2 elseif p == 'fail' then return -1, 'why' elseif p == 'stop' then return 1, 'on' end
        error('end', 0) end";
    let mut encoder = open(script);
    assert_eq!(encode(&mut encoder, "skip").unwrap(), (Encode::Skip, Vec::new()));
    assert_eq!(encode(&mut encoder, "fail").unwrap_err(), "Failed serializing: why");
    assert_eq!(encode(&mut encoder, "stop").unwrap_err(), "FATAL: on");
    assert_eq!(encode(&mut encoder, "skip").unwrap().0, Encode::Skip);
    for payload in ["error", "skip"] {
        assert_eq!(encode(&mut encoder, payload).unwrap_err(), "FATAL: process_message() end");
    }
    encoder.stop().unwrap();
    assert_eq!(encode(&mut encoder, "skip").unwrap_err(), "No sandbox.");
    assert_eq!(encoder.counts().failures, 1);
}

#[test]
fn options_are_checked() {
    let options = SandboxEncoderConfig { script_type: "python".into(), ..SandboxEncoderConfig::default() };
    let error = SandboxEncoder::open(options, &Context::for_test("e")).err().unwrap();
    assert_eq!(error.to_string(), "Unsupported script type: python");
    let options = SandboxEncoderConfig { filename: "/none.lua".into(), ..SandboxEncoderConfig::default() };
    let error = SandboxEncoder::open(options, &Context::for_test("e")).err().unwrap();
    let text = "Sandbox initialization failed: Init() cannot open /none.lua: No such file or directory";
    assert_eq!(error.to_string(), text);
}
