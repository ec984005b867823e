use std::borrow::Cow;

/// How wide a text is, in pixels, at most: there is no font to ask, so this is a table of the widest of the common
/// sans-serif fonts, in hundredths of the size.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| f64::from(hundredths(c))).sum::<f64>() * size / 100.0
}

/// Puts a text on one line that is no wider than this. What is cut off becomes an ellipsis.
pub(crate) fn cut(text: &str, size: f64, most: f64) -> Cow<'_, str> {
    let line = one_line(text);
    let mut wide = 0.0;
    let mut fits = 0;
    for (at, c) in line.char_indices() {
        wide += f64::from(hundredths(c)) * size / 100.0;
        if wide > most {
            return Cow::Owned(format!("{}…", line[..fits].trim_end()));
        }
        // What is kept leaves room for the ellipsis.
        if wide <= most - size {
            fits = at + c.len_utf8();
        }
    }
    line
}

/// Puts a text on one line that is no wider than this. An ellipsis stands for what is cut off before it.
pub(crate) fn cut_front(text: &str, size: f64, most: f64) -> Cow<'_, str> {
    let line = one_line(text);
    let mut wide = 0.0;
    let mut fits = line.len();
    for (at, c) in line.char_indices().rev() {
        wide += f64::from(hundredths(c)) * size / 100.0;
        if wide > most {
            return Cow::Owned(format!("…{}", line[fits..].trim_start()));
        }
        if wide <= most - size {
            fits = at;
        }
    }
    line
}

fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r', '\t']) {
        Cow::Owned(text.replace(['\n', '\r', '\t'], " "))
    } else {
        Cow::Borrowed(text)
    }
}

fn hundredths(c: char) -> u32 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | 'I' => 35,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '!' | '-' | '/' | '\\' | '"' => 42,
        'm' | 'M' | 'w' | 'W' | '@' | '%' | '…' | '—' => 100,
        'a'..='z' | '0'..='9' | '_' => 64,
        'A'..='Z' => 78,
        // Marks that stand on the letter before them.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{21}'..='\u{7e}' => 84,
        '\u{80}'..='\u{10ff}' => 80,
        // Wide scripts, pictures, and what is not known.
        _ => 130,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_the_width() {
        assert_eq!(cut("fetch", 13.0, 200.0), "fetch");
        assert_eq!(cut("two\nlines", 13.0, 200.0), "two lines");
        for text in ["x".repeat(10_000), "漢".repeat(500), "i w".repeat(99)] {
            let cut = cut(&text, 13.0, 200.0);
            assert!(cut.ends_with('…') && width(&cut, 13.0) <= 200.0, "{cut}");
            assert!(width(&cut, 13.0) >= 160.0, "{cut}");
            let end = cut_front(&text, 13.0, 200.0);
            assert!(end.starts_with('…') && width(&end, 13.0) <= 200.0, "{end}");
            assert!(text.ends_with(end.trim_start_matches('…')), "{end}");
        }
        assert_eq!(cut_front("read[1]", 13.0, 200.0), "read[1]");
    }
}
