//! The program's arguments.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use simulator::{Options, Stage};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
The vendor as a stateful HTTP server on 127.0.0.1.

usage: simulator [--port N] [options]

  --port N               the port; 0, the default, takes a free one
  --stage NAME           production (default) or testing (eu-1 only)
  --quota N              tenants in the organization (20)
  --token-seconds N      life of an access token (900)
  --url-seconds N        life of a presigned URL (900)
  --result-ms N          how long an analysis takes (1000)
  --no-limits            keep no rate limits
  --client-id ID         the organization's client id
  --private-key FILE     the organization's private RSA key as PEM; generated if absent
  --directory DIR        where the private key is written (target/simulator)
  --help                 this
";

/// How the program was called.
pub(crate) struct Arguments {
    pub(crate) options: Options,
    pub(crate) directory: PathBuf,
}

impl Arguments {
    /// `None` asks for help.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut parsed = Self { options: Options::default(), directory: PathBuf::from("target/simulator") };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--no-limits" => parsed.options.settings.limits.enabled = false,
                _ => {
                    let value = arguments
                        .next()
                        .ok_or_else(|| anyhow!("{name}: unknown, or its value is missing"))?;
                    parsed.set(&name, &value)?;
                }
            }
        }
        Ok(Some(parsed))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let settings = &mut self.options.settings;
        match name {
            "--quota" => settings.quota = number(name, value)?,
            "--token-seconds" => settings.token_seconds = number(name, value)?,
            "--url-seconds" => settings.url_seconds = number(name, value)?,
            "--result-ms" => settings.result_delay_ms = number(name, value)?,
            "--directory" => self.directory = value.into(),
            _ => set_option(&mut self.options, name, value)?,
        }
        Ok(())
    }
}

fn set_option(options: &mut Options, name: &str, value: &str) -> Result<()> {
    match name {
        "--port" => options.port = number(name, value)?,
        "--client-id" => options.client_id = Some(value.to_owned()),
        "--private-key" => {
            let pem =
                std::fs::read_to_string(value).with_context(|| format!("{name}: {value} cannot be read"))?;
            options.private_key_pem = Some(pem);
        }
        "--stage" => {
            options.stage = match value {
                "production" => Stage::Production,
                "testing" => Stage::Testing,
                _ => bail!("{name}: it is `production` or `testing`"),
            }
        }
        _ => bail!("{name} is not known"),
    }
    Ok(())
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| anyhow!("{name}: {value:?} is not a number it can take"))
}
