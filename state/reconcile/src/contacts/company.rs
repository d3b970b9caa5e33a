//! To which company an imported contact is tied (F3.5).

/// A company whose name may be the one that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Company<'a, C> {
    /// Its id.
    pub id: C,
    /// Its name.
    pub name: &'a str,
    /// Whether the account's user may see it.
    pub is_visible: bool,
}

/// The company of exactly that name, blanks around it apart: the only one, or of several the only one that the user may see.
pub fn company_by_name<C: Copy>(name: &str, companies: &[Company<'_, C>]) -> Option<C> {
    let name = name.trim();
    if name.is_empty() {
        return None;
    }
    let same: Vec<_> = companies.iter().filter(|company| company.name.trim() == name).collect();
    let visible: Vec<_> = same.iter().filter(|company| company.is_visible).collect();
    match (same.as_slice(), visible.as_slice()) {
        ([only], _) => Some(only.id),
        (_, [only]) => Some(only.id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_company_of_that_name_or_one_that_is_seen() {
        let company = |id, name, is_visible| Company { id, name, is_visible };
        let (seen, unseen) = (|id| company(id, "Acme", true), |id| company(id, "Acme", false));
        let other = company(9, "Acme Ltd", true);
        let table = [
            ("Acme", vec![], None),
            ("Acme", vec![seen(1)], Some(1)),
            ("Acme", vec![unseen(1)], Some(1)),
            (" Acme ", vec![other, seen(1)], Some(1)),
            ("Acme", vec![other], None),
            ("acme", vec![seen(1)], None),
            ("Acme", vec![unseen(1), seen(2)], Some(2)),
            ("Acme", vec![unseen(1), unseen(2)], None),
            ("Acme", vec![seen(1), seen(2)], None),
            ("Acme", vec![seen(1), unseen(3), seen(2)], None),
            ("", vec![company(1, "", true)], None),
            ("  ", vec![company(1, " ", true)], None),
        ];
        for (name, companies, found) in table {
            assert_eq!(company_by_name(name, &companies), found, "{name:?} among {companies:?}");
        }
        assert_eq!(company_by_name("Acme", &[company(4, " Acme", true)]), Some(4));
    }
}
