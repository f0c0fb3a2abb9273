//! The largest items of waste, in memory for these alone.

use super::item::{Waste, WasteItem, WasteKind};
use crate::util::text::sum;

/// The least number of items that are kept before any are dropped, however few are wanted.
const MIN_KEPT: usize = 512;

/// The largest of many items, and the totals of all.
pub struct Largest<T> {
    top: usize,
    kept: Vec<(u64, T)>,
    /// How many are kept before all but the largest are dropped.
    capacity: usize,
    bytes: u64,
    count: usize,
}

impl<T: Copy> Largest<T> {
    pub fn new(top: usize) -> Self {
        Self {
            top,
            kept: Vec::new(),
            capacity: 0,
            bytes: 0,
            count: 0,
        }
    }

    pub fn push(&mut self, bytes: u64, item: T) {
        self.bytes = sum([self.bytes, bytes]);
        self.count += 1;
        self.kept.push((bytes, item));
        if self.kept.len() > self.capacity {
            self.shrink();
            self.capacity = 2 * self.kept.len().max(self.top).max(MIN_KEPT);
        }
    }

    /// Drops all items except the largest ones and those that are as large as the last of them: `finish`
    /// chooses among those by name.
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

    /// Returns the largest items, in an order that does not depend on which was added first.
    pub fn finish(mut self, kind: &WasteKind, item: impl Fn(u64, T) -> WasteItem) -> Waste {
        self.shrink();
        let order = |a: &WasteItem, b: &WasteItem| {
            let place = |item: &WasteItem| (item.layer, item.hidden_by);
            let sizes = b.bytes.cmp(&a.bytes);
            sizes
                .then_with(|| a.paths.cmp(&b.paths))
                .then(place(a).cmp(&place(b)))
        };
        let mut items: Vec<WasteItem> = Vec::new();
        for (bytes, of) in self.kept {
            items.push(item(bytes, of));
            // Many items can have the same size.
            if items.len() >= 2 * self.top.max(MIN_KEPT) {
                items.sort_by(order);
                items.truncate(self.top);
            }
        }
        items.sort_by(order);
        items.truncate(self.top);
        Waste {
            kind: kind.kind,
            title: kind.title,
            advice: kind.advice,
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
    fn among_items_of_the_same_size_the_first_by_name_are_kept() {
        const KIND: WasteKind = WasteKind::new("", "", "");
        for top in [0, 3, 1000] {
            let mut largest = Largest::new(top);
            // 7919 and 5000 have no divisor in common: each number once, in no order.
            (0..5000).for_each(|i| largest.push(7, i * 7919 % 5000));
            let found = largest.finish(&KIND, |bytes, i: u32| WasteItem {
                bytes,
                paths: vec![format!("{i:04}")],
                ..WasteItem::default()
            });
            assert_eq!((found.count, found.bytes), (5000, 35_000));
            let names: Vec<&str> = found.items.iter().map(|item| &item.paths[0][..]).collect();
            let first: Vec<String> = (0..top).map(|i| format!("{i:04}")).collect();
            assert_eq!(names, first);
        }
    }
}
