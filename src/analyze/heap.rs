//! The largest items of waste, in memory for these alone.

use super::waste::{Item, Waste, Words};
use crate::util::text::sum;

/// How many are kept at least before any are let go, however few are wanted.
const ROOM: usize = 512;

/// The largest of many, and what all sum up to.
pub struct Heap<T> {
    top: usize,
    kept: Vec<(u64, T)>,
    /// How many are kept before all but the largest are let go.
    room: usize,
    bytes: u64,
    count: usize,
}

impl<T: Copy> Heap<T> {
    pub fn new(top: usize) -> Self {
        Self {
            top,
            kept: Vec::new(),
            room: 0,
            bytes: 0,
            count: 0,
        }
    }

    pub fn push(&mut self, bytes: u64, item: T) {
        self.bytes = sum([self.bytes, bytes]);
        self.count += 1;
        self.kept.push((bytes, item));
        if self.kept.len() > self.room {
            self.shrink();
            self.room = 2 * self.kept.len().max(self.top).max(ROOM);
        }
    }

    /// Keeps the largest ones, and all that are as large as the last of those: which of them stay is
    /// decided when they have names.
    fn shrink(&mut self) {
        if self.kept.len() <= self.top {
            return;
        }
        self.kept.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        if self.top == 0 {
            self.kept.clear();
            return;
        }
        let least = self.kept[self.top - 1].0;
        let end = self.kept.partition_point(|(bytes, _)| *bytes >= least);
        self.kept.truncate(end);
    }

    /// The largest ones as items, in an order that does not depend on which came first.
    pub fn finish(mut self, words: &Words, item: impl Fn(u64, T) -> Item) -> Waste {
        self.shrink();
        let order = |a: &Item, b: &Item| {
            let place = |item: &Item| (item.layer, item.hidden_by);
            let sizes = b.bytes.cmp(&a.bytes);
            sizes
                .then_with(|| a.paths.cmp(&b.paths))
                .then(place(a).cmp(&place(b)))
        };
        let mut items: Vec<Item> = Vec::new();
        for (bytes, of) in self.kept {
            items.push(item(bytes, of));
            // Of one size there can be very many.
            if items.len() >= 2 * self.top.max(ROOM) {
                items.sort_by(order);
                items.truncate(self.top);
            }
        }
        items.sort_by(order);
        items.truncate(self.top);
        Waste {
            kind: words.kind,
            title: words.title,
            advice: words.advice,
            bytes: self.bytes,
            count: self.count,
            items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_are_as_large_the_first_by_name_are_kept() {
        const WORDS: Words = Words {
            kind: "",
            title: "",
            advice: "",
        };
        for top in [0, 3, 1000] {
            let mut heap = Heap::new(top);
            // 7919 and 5000 have no divisor in common: each number once, in no order.
            (0..5000).for_each(|i| heap.push(7, i * 7919 % 5000));
            let found = heap.finish(&WORDS, |bytes, i: u32| Item {
                bytes,
                paths: vec![format!("{i:04}")],
                ..Item::default()
            });
            assert_eq!((found.count, found.bytes), (5000, 35_000));
            let names: Vec<&str> = found.items.iter().map(|item| &item.paths[0][..]).collect();
            let first: Vec<String> = (0..top).map(|i| format!("{i:04}")).collect();
            assert_eq!(names, first);
        }
    }
}
