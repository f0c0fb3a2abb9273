//! The table of a layer as JSON, which a merge keeps beside a layout: a later one need not read the layer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{Endianness, elf, pe};
use serde::{Deserialize, Serialize};

use super::file_table::{FileTable, MachineFiles, NameHash, RecordKind, TableBudget};
use super::machine::{Float, Machine, System};

/// The version of the format. Tables of other versions are not restored; their layers are read.
const VERSION: u32 = 4;

/// A table. The records are hashes, which depend on the version of Rust: `probe` is that of a fixed name.
#[derive(Serialize, Deserialize)]
pub struct SavedTable {
    version: u32,
    probe: NameHash,
    records: String,
    texts: String,
    machines: Vec<SavedMachine>,
    /// `LayerDefects::outer_directories`.
    outer_directories: Vec<[String; 2]>,
}

#[derive(Serialize, Deserialize)]
struct SavedMachine {
    machine: MachineName,
    count: usize,
    names: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MachineName {
    Elf {
        machine: u16,
        is_64_bit: bool,
        is_big_endian: bool,
        float: u8,
        system: u8,
    },
    Pe {
        machine: u16,
        is_managed: bool,
    },
    MachO {
        cpu: Option<u32>,
    },
    Wasm,
}

const FLOATS: [Float; 4] = [Float::Unknown, Float::Soft, Float::Single, Float::Hard];
const SYSTEMS: [System; 5] = [
    System::Unknown,
    System::FreeBsd,
    System::NetBsd,
    System::OpenBsd,
    System::Solaris,
];

impl SavedTable {
    /// Returns `None` for a table of a layer that was not read to its end, or cannot be unpacked.
    pub fn of(table: &FileTable) -> Option<Self> {
        let defects = &table.defects;
        let has_defects = !(defects.found.is_empty() && defects.outer_links.is_empty());
        if table.is_incomplete || table.damage.is_some() || has_defects {
            return None;
        }
        let (records, texts) = table.raw();
        let records: Vec<u8> = records
            .iter()
            .flatten()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        let machine = |files: &MachineFiles| SavedMachine {
            machine: MachineName::of(files.machine),
            count: files.count,
            names: files
                .names
                .iter()
                .map(|name| STANDARD.encode(name))
                .collect(),
        };
        Some(Self {
            version: VERSION,
            probe: probe(),
            records: STANDARD.encode(records),
            texts: STANDARD.encode(texts),
            machines: table.machines.iter().map(machine).collect(),
            outer_directories: (defects.outer_directories.iter())
                .map(|(directory, path)| [directory, path].map(|name| STANDARD.encode(name)))
                .collect(),
        })
    }

    /// Returns the table, unless it is not valid, was made with other hashes, or is larger than `budget`.
    pub fn restore(self, budget: &TableBudget) -> Option<FileTable> {
        if self.version != VERSION || self.probe != probe() {
            return None;
        }
        let records = STANDARD.decode(self.records).ok()?;
        let (records, left) = records.as_chunks::<4>();
        let numbers: Vec<u32> = records.iter().map(|n| u32::from_le_bytes(*n)).collect();
        let (records, more) = numbers.as_chunks::<3>();
        if !(left.is_empty() && more.is_empty()) {
            return None;
        }
        let machines = self.machines.into_iter().map(|saved| {
            // More files than any archive has would make sums overflow.
            u32::try_from(saved.count).ok()?;
            let names = saved.names.into_iter().map(|name| STANDARD.decode(name));
            let names: Result<Vec<Vec<u8>>, _> = names.collect();
            let names = names.ok()?;
            Some(MachineFiles {
                machine: saved.machine.machine()?,
                count: saved.count,
                size: names.iter().map(Vec::len).sum(),
                names: names.into_iter().map(Into::into).collect(),
            })
        });
        let machines = machines.collect::<Option<Vec<_>>>()?;
        let texts = STANDARD.decode(self.texts).ok()?;
        let directories = self.outer_directories.into_iter().map(|[directory, path]| {
            Some((
                STANDARD.decode(directory).ok()?,
                STANDARD.decode(path).ok()?,
            ))
        });
        let directories = directories.collect::<Option<Vec<_>>>()?;
        let mut table = FileTable::from_raw(records.to_vec(), texts, machines, budget)?;
        table.defects.outer_directories = directories;
        Some(table)
    }
}

fn probe() -> NameHash {
    RecordKind::File.hash(b"bin/polyarch")
}

impl MachineName {
    fn of(machine: Machine) -> Self {
        match machine {
            Machine::Elf {
                machine,
                is_64_bit,
                endianness,
                float,
                system,
            } => Self::Elf {
                machine: machine.0,
                is_64_bit,
                is_big_endian: endianness == Endianness::Big,
                float: FLOATS.iter().position(|f| *f == float).unwrap_or(0) as u8,
                system: SYSTEMS.iter().position(|s| *s == system).unwrap_or(0) as u8,
            },
            Machine::Pe {
                machine,
                is_managed,
            } => Self::Pe {
                machine: machine.0,
                is_managed,
            },
            Machine::MachO { cpu } => Self::MachO { cpu },
            Machine::Wasm => Self::Wasm,
        }
    }

    fn machine(self) -> Option<Machine> {
        Some(match self {
            Self::Elf {
                machine,
                is_64_bit,
                is_big_endian,
                float,
                system,
            } => Machine::Elf {
                machine: elf::Machine(machine),
                is_64_bit,
                endianness: match is_big_endian {
                    true => Endianness::Big,
                    false => Endianness::Little,
                },
                float: *FLOATS.get(usize::from(float))?,
                system: *SYSTEMS.get(usize::from(system))?,
            },
            Self::Pe {
                machine,
                is_managed,
            } => Machine::Pe {
                machine: pe::Machine(machine),
                is_managed,
            },
            Self::MachO { cpu } => Machine::MachO { cpu },
            Self::Wasm => Machine::Wasm,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::programs::file_table::LayerFile;

    fn table() -> FileTable {
        let budget = TableBudget::default();
        let mut table = FileTable::default();
        let machine = Machine::Elf {
            machine: elf::EM_ARM,
            is_64_bit: false,
            endianness: Endianness::Big,
            float: Float::Hard,
            system: System::FreeBsd,
        };
        table.add(b"bin/sh", &LayerFile::Program(machine, b""), &budget);
        table.add(
            b"bin/x",
            &LayerFile::Program(machine, b"\x03/ld.so"),
            &budget,
        );
        table.add(b"bin/run", &LayerFile::Script(b"/bin/sh"), &budget);
        table.add(b"data", &LayerFile::NotExecutable(None), &budget);
        table.add(b"lib/a", &LayerFile::NotExecutable(Some(machine)), &budget);
        let machine = Machine::MachO { cpu: None };
        table.add(b"app", &LayerFile::Program(machine, b""), &budget);
        table.finish();
        table
    }

    #[test]
    fn a_saved_table_has_the_same_files() {
        let (table, budget) = (table(), TableBudget::default());
        let saved = serde_json::to_value(SavedTable::of(&table).unwrap()).unwrap();
        let saved: SavedTable = serde_json::from_value(saved).unwrap();
        let restored = saved.restore(&budget).unwrap();
        for name in [
            &b"bin/sh"[..],
            b"bin/x",
            b"bin/run",
            b"data",
            b"lib/a",
            b"app",
            b"none",
        ] {
            let name = RecordKind::File.hash(name);
            assert_eq!(restored.file(name), table.file(name));
        }
        assert_eq!(restored.machines.len(), 2);
        assert_eq!(restored.machines[0].names, table.machines[0].names);
    }

    #[test]
    fn a_table_with_wrong_references_is_not_restored() {
        let budget = TableBudget::default();
        let saved = || SavedTable::of(&table()).unwrap();
        let no_machines = SavedTable {
            machines: Vec::new(),
            ..saved()
        };
        let no_texts = SavedTable {
            texts: String::new(),
            ..saved()
        };
        let other_hashes = SavedTable {
            probe: [0, 0],
            ..saved()
        };
        let other_version = SavedTable {
            version: 1,
            ..saved()
        };
        let cut_off = SavedTable {
            records: "AAAA".to_owned(),
            ..saved()
        };
        for wrong in [no_machines, no_texts, other_hashes, other_version, cut_off] {
            assert!(wrong.restore(&budget).is_none());
        }
    }
}
