//! Small documents that a PDF reader opens: made here, so that none has to be kept.

/// A PDF of so many pages, each with one line of text, padded by a stream of `padding` bytes.
pub fn pdf(text: &str, pages: usize, padding: usize) -> Vec<u8> {
    let mut writer = Writer { bytes: b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec(), offsets: Vec::new() };
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", 4 + 2 * page)).collect();
    writer.object("<< /Type /Catalog /Pages 2 0 R >>");
    writer.object(&format!("<< /Type /Pages /Count {pages} /Kids [ {kids}] >>"));
    writer.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    for page in 0..pages {
        writer.object(&format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * page
        ));
        let content = format!("BT /F1 18 Tf 72 770 Td ({} / {}) Tj ET", escaped(text), page + 1);
        writer.stream(content.as_bytes());
    }
    writer.stream(&noise(padding));
    writer.finish()
}

struct Writer {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl Writer {
    fn object(&mut self, body: &str) {
        self.begin();
        self.bytes.extend_from_slice(body.as_bytes());
        self.bytes.extend_from_slice(b"\nendobj\n");
    }

    fn stream(&mut self, content: &[u8]) {
        self.begin();
        self.bytes.extend_from_slice(format!("<< /Length {} >>\nstream\n", content.len()).as_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
    }

    fn begin(&mut self) {
        self.offsets.push(self.bytes.len());
        let number = self.offsets.len();
        self.bytes.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
    }

    fn finish(mut self) -> Vec<u8> {
        let table = self.bytes.len();
        let size = self.offsets.len() + 1;
        let entries: String = self.offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")).collect();
        let tail = format!(
            "xref\n0 {size}\n0000000000 65535 f \n{entries}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n"
        );
        self.bytes.extend_from_slice(tail.as_bytes());
        self.bytes
    }
}

fn escaped(text: &str) -> String {
    let printable = text.chars().filter(|c| c.is_ascii() && !c.is_ascii_control());
    printable.map(|c| if "()\\".contains(c) { format!("\\{c}") } else { c.to_string() }).collect()
}

/// Bytes of every value, the same on every run (an xorshift generator).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::pdf;

    #[test]
    fn the_table_points_at_the_objects() {
        let bytes = pdf("A (small) test", 2, 1000);
        let text = String::from_utf8_lossy(&bytes);
        let at: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
        assert!(bytes[at..].starts_with(b"xref\n0 9\n"));
        let table = std::str::from_utf8(&bytes[at..]).unwrap();
        for (number, line) in table.lines().skip(3).take(8).enumerate() {
            let offset: usize = line[..10].parse().unwrap();
            assert!(bytes[offset..].starts_with(format!("{} 0 obj", number + 1).as_bytes()), "{line}");
        }
    }

    #[test]
    fn the_padding_makes_the_size() {
        let small = pdf("x", 1, 0).len();
        assert!(small < 1000);
        assert!((1_000_000..1_002_000).contains(&pdf("x", 1, 1_000_000).len()));
    }
}
