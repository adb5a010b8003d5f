/*
 * cause: hot-function
 * cpu: 1.5..2
 * needs: rustc
 *
 * Rust: words are counted by walking a list instead of a map.
 */
use std::env;

#[inline(never)]
fn word_find(words: &[(String, u64)], word: &str) -> Option<usize> {
    words.iter().position(|(w, _)| w == word)
}

fn main() {
    let seed: u64 = env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(1);
    let n = 300 + seed % 700;
    let mut words: Vec<(String, u64)> = Vec::new();
    let mut x = seed | 1;

    loop {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let word = format!("word-{}", (x >> 33) % n);
        match word_find(&words, &word) {
            Some(i) => words[i].1 += 1,
            None => words.push((word, 1)),
        }
    }
}
