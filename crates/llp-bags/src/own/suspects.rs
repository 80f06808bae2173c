//! Columns of text that are not meant as categories: dates, numbers as people write them, names of image files.

use std::path::Path;

use llp_data::DataError;

/// Endings of image files.
const IMAGE_ENDINGS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "gif", "heic"];
/// Files that are looked for: one that is missing is found later, when it is read.
const N_LOOKED_FOR: usize = 20;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Refuses the different texts of a column of the table at `path` if all of them are dates, numbers with commas or
/// units, or image files that exist.
pub(super) fn check_texts(path: &Path, column: &str, texts: &[String]) -> Result<(), DataError> {
    let Some(got) = texts.first() else { return Ok(()) };
    let all = |is: fn(&str) -> bool| texts.iter().all(|text| is(text));
    let refused = |what, hint| {
        let error = DataError::of(path, format!("holds {what}, such as {got:?}")).in_column(column);
        Err(error.remedy(format!("{hint}, or remove the column")))
    };
    if all(is_date_or_time) {
        return refused("dates or times", "write numbers, for instance days since the first one");
    }
    if all(|text| is_number(text) || has_commas(text)) {
        return refused(
            "numbers with a decimal comma or a thousands separator",
            "write them with a decimal point and nothing between thousands",
        );
    }
    if all(|text| is_number(text) || has_unit(text)) {
        return refused("numbers with a percent or currency sign", "write them without it");
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_file = |text: &String| is_image_name(text) && folder.join(text).is_file();
    if all(is_image_name) && texts.iter().take(N_LOOKED_FOR).any(is_file) {
        let error = DataError::of(path, format!("names image files, such as {got:?}")).in_column(column);
        return Err(error.remedy("call it `path`, so that they are read as images, or remove it"));
    }
    Ok(())
}

fn is_image_name(text: &str) -> bool {
    let ending = Path::new(text).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    IMAGE_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// `1,5`, `1.234,5`, `12,345.6`, `1 000`, `1'000`.
fn has_commas(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_separator = |letter: char| matches!(letter, ',' | '.' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}');
    let groups: Vec<&str> = digits.split(is_separator).collect();
    groups.len() > 1 && groups.iter().all(|group| are_digits(group))
}

/// `50 %`, `$3.20`, `7,5 €`.
fn has_unit(text: &str) -> bool {
    let is_sign = |letter: char| matches!(letter, '%' | '$' | '€' | '£' | '¥');
    let bare = text.trim_start_matches(is_sign).trim_end_matches(is_sign).trim();
    bare.len() < text.len() && (is_number(bare) || has_commas(bare))
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A day or a month of a year, a time of a day, or both.
fn is_date_or_time(text: &str) -> bool {
    if is_date(text) || is_time(text) {
        return true;
    }
    let cuts = text.char_indices().filter(|(_, letter)| matches!(letter, 'T' | ' '));
    cuts.into_iter().any(|(at, _)| is_date(&text[..at]) && is_time(&text[at + 1..]))
}

/// `2024-03-01`, `2024/3/1`, `1.3.2024`, `03/01/24`, `1 Mar 2024`, `2024-03`.
fn is_date(text: &str) -> bool {
    ['-', '/', '.', ' '].into_iter().any(|separator| {
        let parts: Vec<&str> = text.split(separator).map(|part| part.trim_end_matches(',')).collect();
        match parts[..] {
            [year, month] => separator != '.' && is_year(year) && month.len() == 2 && is_at_most(month, 12),
            [a, b, c] => {
                let is_day = |part: &str| is_at_most(part, 31);
                let is_month = |part: &str| is_at_most(part, 12) || is_month_name(part);
                let is_day_of_month =
                    |a: &str, b: &str| (is_day(a) && is_month(b)) || (is_month(a) && is_day(b));
                let is_short_year = c.len() == 2 && are_digits(c) && separator != '-' && separator != '.';
                (is_year(a) && is_day_of_month(b, c))
                    || ((is_year(c) || is_short_year) && is_day_of_month(a, b))
            }
            _ => false,
        }
    })
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && are_digits(text) && (text.starts_with('1') || text.starts_with('2'))
}

fn is_at_most(text: &str, largest: u32) -> bool {
    are_digits(text)
        && text.len() <= 2
        && text.parse().is_ok_and(|number: u32| (1..=largest).contains(&number))
}

fn is_month_name(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.len() >= 3 && lower.bytes().all(|byte| byte.is_ascii_alphabetic()) && MONTHS.contains(&&lower[..3])
}

/// `12:30`, `12:30:59.5`, `12:30Z`, `12:30+01:00`, `1:30 PM`.
fn is_time(text: &str) -> bool {
    let upper = text.trim().to_uppercase();
    let text = upper
        .trim_end_matches("UTC")
        .trim_end_matches('Z')
        .trim_end_matches("AM")
        .trim_end_matches("PM")
        .trim();
    let clock = text.split(['+', '-']).next().unwrap_or(text);
    let parts: Vec<&str> = clock.split(':').collect();
    let is_part = |part: &&str| are_digits(part) && part.len() <= 2;
    match parts[..] {
        [hour, minute] => [hour, minute].iter().all(is_part),
        [hour, minute, second] => [hour, minute].iter().all(is_part) && second.parse::<f64>().is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        for text in [
            "2024-03-01",
            "2024/3/1",
            "1.3.2024",
            "03/14/2024",
            "3/14/24",
            "1 Mar 2024",
            "Mar 1, 2024",
            "01-MAR-2024",
            "2024-03",
            "2024-03-01T12:30",
            "2024-03-01 12:30:59.25",
            "2024-03-01T12:30:00Z",
            "2024-03-01 12:30:00+01:00",
            "1/3/2024 1:30 PM",
            "12:30",
        ] {
            assert!(is_date_or_time(text), "{text}");
        }
        for text in
            ["2024", "1.2.3", "north", "12-34", "3.14", "A-1-2", "1:2:3:4", "10/12", "192.168.1.1", ""]
        {
            assert!(!is_date_or_time(text), "{text}");
        }
    }

    #[test]
    fn numbers_with_commas_and_units() {
        for text in ["1,5", "-12,345.6", "1.234,5", "1 000", "556,700"] {
            assert!(has_commas(text), "{text}");
        }
        for text in ["1,", "a,b", "5", ",5", "red"] {
            assert!(!has_commas(text), "{text}");
        }
        assert!(
            has_unit("50%") && has_unit("$3.20") && has_unit("7,5 €") && !has_unit("%") && !has_unit("50")
        );
    }
}
