//! Graphs and differences as bytes, to cross nodes.
//!
//! ```text
//! graph = "SGG" 1  crc  versions  content
//! diff  = "SGD" 1  crc  versions of from, versions of to  content removed  content added
//! crc       CRC32C of everything after it, four bytes, low first
//! versions  content, structure
//! content   names of modules, names of files, then one list per module in the order of names
//! names     count, then each: bytes shared with the one before, bytes that follow, those bytes
//! list      2 × references + 1 if defined, then each reference:
//!           8 × step + 4 if it has a place + kind
//!           step: number of the module minus that of the reference before (the first: itself)
//!           then, with a place: file and line, each minus that of the place before, zigzag
//! ```
//!
//! All numbers are LEB128. The form is canonical: names ascend, each is mentioned, numbers are as
//! short as they can be; so equal graphs at one version have equal bytes, and only bytes that
//! encoding could have written are decoded. A name shares at most 15 times as many bytes as it
//! brings along, so that decoding takes memory in proportion to the input whatever it says.

mod decode;
mod encode;
mod names;
mod number;
mod seal;
#[cfg(test)]
mod tests;
