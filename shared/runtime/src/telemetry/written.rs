//! Where tests have lines written.

use std::io::Write;
use std::mem::take;
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// Lines of JSON in memory. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// Takes what was written since the last time.
    pub(super) fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
