//! From events to happened-before: the models behind every view.
