//! A Lambda function for the tests of the Runtime API host, in the standard library alone: the event's
//! `do` says how it behaves.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    match std::env::var("AT_START").as_deref() {
        Ok("exit") => std::process::exit(3),
        Ok("hang") => std::thread::sleep(Duration::from_secs(1000)),
        Ok("report") => {
            call(&api, "POST", "init/error", br#"{"errorType":"Config","errorMessage":"STAGE is missing"}"#)?;
            std::process::exit(1);
        }
        _ => println!("cold start"),
    }
    loop {
        let (headers, event) = call(&api, "GET", "invocation/next", b"")?;
        let id = header(&headers, "lambda-runtime-aws-request-id").context("no request id")?;
        let event: Value = serde_json::from_slice(&event)?;
        let (resource, answer) = match handle(&event, &headers) {
            Ok(answer) => ("response", answer),
            Err(error) => ("error", json!({ "errorType": "Test", "errorMessage": error.to_string() })),
        };
        call(&api, "POST", &format!("invocation/{id}/{resource}"), answer.to_string().as_bytes())?;
    }
}

fn handle(event: &Value, headers: &str) -> anyhow::Result<Value> {
    match event["do"].as_str() {
        Some("error") => bail!("as asked"),
        Some("exit") => std::process::exit(7),
        Some("hang") => {
            println!("hanging");
            std::thread::sleep(Duration::from_secs(1000));
            Ok(Value::Null)
        }
        Some("print") => {
            println!("to stdout");
            eprintln!("to stderr");
            Ok(Value::Null)
        }
        Some("child") => Ok(json!(Command::new("sleep").arg("1000").spawn()?.id())),
        Some("process") => Ok(json!(std::process::id())),
        Some("headers") => Ok(json!(headers.to_lowercase())),
        Some("environment") => Ok(json!(std::env::vars().collect::<std::collections::BTreeMap<_, _>>())),
        _ => Ok(event.clone()),
    }
}

/// One request of HTTP/1.1 on a connection of its own.
fn call(api: &str, method: &str, resource: &str, body: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(api)?;
    let length = body.len();
    write!(
        stream,
        "{method} /2018-06-01/runtime/{resource} HTTP/1.1\r\nhost: {api}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no headers")?;
    Ok((String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec()))
}

fn header(headers: &str, name: &str) -> Option<String> {
    let lines = headers.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
}
