//! The header of a NumPy array, read with care.

use std::io::{self, Read};

use npyz::NpyHeader;

/// How deep brackets of a header may be nested: a structure within a structure needs seven.
const DEEPEST: usize = 8;

/// Reads the header of an array, after which `file` stands at its first value.
///
/// Headers are Python literals, and the time of their parser grows exponentially with the brackets that are open at once.
pub(crate) fn read(file: &mut impl Read) -> io::Result<NpyHeader> {
    let mut bytes = Vec::new();
    file.by_ref().take(8).read_to_end(&mut bytes)?; // the magic string and the version
    let n_len_bytes = if bytes.get(6) == Some(&1) { 2 } else { 4 };
    file.by_ref().take(n_len_bytes).read_to_end(&mut bytes)?;
    let len = bytes.iter().skip(8).rev().fold(0, |len, &byte| len << 8 | u64::from(byte));
    file.by_ref().take(len).read_to_end(&mut bytes)?;
    if depth(&bytes) > DEEPEST {
        let problem = format!("its header has more than {DEEPEST} brackets open at once");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    NpyHeader::from_reader(&bytes[..])
}

/// The largest number of brackets that are open at once, those in texts left out.
fn depth(bytes: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut quote = None; // what a text ends with
    let mut bytes = bytes.iter();
    while let Some(&byte) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => drop(bytes.next()),
            (Some(end), _) if byte == end => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => open += 1,
            (None, b')' | b']' | b'}') => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str) -> Vec<u8> {
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (0,), }}\n");
        let len = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes()].concat()
    }

    /// A structure within a structure is read; a hundred open brackets, which take the parser for ever, are refused.
    #[test]
    fn deep_headers_are_refused() {
        assert!(read(&mut &file("[('a', [('b', '<f8'), ('c', '<f4', (2,))])]")[..]).is_ok());
        let error = read(&mut &file(&"[".repeat(100))[..]).err().unwrap().to_string();
        assert!(error.contains("brackets"), "{error}");
        let deepest = file(&"[".repeat(DEEPEST - 1));
        assert!(read(&mut &deepest[..]).is_err());
    }

    /// Brackets in the names of columns do not count.
    #[test]
    fn names_may_have_brackets() {
        let columns: Vec<String> = (0..20).map(|i| format!("('a{i} ({{[ \\' (', '<f8')")).collect();
        assert!(read(&mut &file(&format!("[{}]", columns.join(", ")))[..]).is_ok());
    }

    /// The reader stands behind the header, also where there is none.
    #[test]
    fn what_follows_is_left() {
        let bytes = [file("'<f8'"), vec![7, 8]].concat();
        let mut rest = &bytes[..];
        assert!(read(&mut rest).is_ok());
        assert_eq!(rest, [7, 8]);
        assert!(read(&mut &b"short"[..]).is_err());
        assert!(read(&mut &b""[..]).is_err());
    }
}
