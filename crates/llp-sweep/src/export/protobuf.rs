//! The little of Google's protocol buffers that writing takes.

/// A message in the making: fields in the order in which they are added.
#[derive(Clone, Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// The message so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The finished message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Adds a field of type `double`.
    pub fn double(&mut self, field: u64, value: f64) {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    /// Adds a field of type `float`.
    pub fn float(&mut self, field: u64, value: f32) {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    /// Adds a field of an integer type or an enumeration; negative numbers are none of these.
    pub fn integer(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    /// Adds a field of type `string`.
    pub fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    /// Adds a field that is a message itself.
    pub fn message(&mut self, field: u64, value: &Self) {
        self.bytes(field, &value.0);
    }

    /// Adds a field of type `bytes`.
    pub fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    /// Seven bits a byte, the lowest first; the highest bit says that there are more.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of more than seven bits continue in the next byte.
    #[test]
    fn integers_are_variable_in_length() {
        let mut message = Message::default();
        message.integer(2, 300);
        assert_eq!(message.as_bytes(), [0x10, 0xac, 0x02]);
    }
}
