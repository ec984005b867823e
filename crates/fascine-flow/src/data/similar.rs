/// The name that was meant, if one is near: by Jaro and Winkler's measure, which forgives the ends of words.
pub(crate) fn similar<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    // Long names are not mistyped, and would take their square in time.
    if wanted.len() > LONGEST {
        return None;
    }
    let names = names.into_iter().filter(|name| name.len() <= LONGEST);
    let near = names.map(|name| (strsim::jaro_winkler(wanted, name), name));
    let near = near.filter(|(similarity, _)| *similarity >= NEAR);
    // Of those that are as near, the first in the alphabet: names may come in any order.
    let nearest = near.max_by(|one, other| {
        let order = one.0.total_cmp(&other.0);
        order.then_with(|| other.1.cmp(one.1))
    });
    nearest.map(|(_, name)| name.to_owned())
}

const LONGEST: usize = 64;
const NEAR: f64 = 0.8;
