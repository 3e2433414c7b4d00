//! What a fair disk may and must not do.
