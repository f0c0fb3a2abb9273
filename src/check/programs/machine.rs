//! The machine that a program was built for, by the header of its file.
//!
//! Sources: the ELF header (gABI, chapter 4, with the flags of the psABIs of Arm and RISC-V), the
//! PE header (Microsoft's "PE Format") and the Mach-O header (Apple's `mach-o/loader.h` and `fat.h`).

use std::fmt;

use object::endian::{Endian, Endianness, LittleEndian as LE};
use object::pe::{self, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::read::pe::{ImageNtHeaders, optional_header_magic};
use object::{elf, pod, read};

use crate::oci::Platform;

/// The number of bytes of a file that are needed: the program headers of an ELF file follow its header of 64 bytes;
/// the header of a PE file comes after a program for DOS, and a table that marks .NET after that.
pub const HEAD: usize = 4096;

/// The machine that a program was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    Elf {
        machine: elf::Machine,
        is_64_bit: bool,
        endianness: Endianness,
        float: Float,
        system: System,
    },
    Pe {
        machine: pe::Machine,
        /// .NET code, which runs on any machine.
        is_managed: bool,
    },
    /// A program for macOS.
    MachO {
        /// The type of the processor; `None` if the file has programs for several.
        cpu: Option<u32>,
    },
    /// A module of WebAssembly.
    Wasm,
}

/// The operating system that the OS ABI of an ELF file names. Linux runs files of any OS ABI, so programs
/// for Linux have that of System V or of GNU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Unknown,
    FreeBsd,
    NetBsd,
    OpenBsd,
    Solaris,
}

impl System {
    fn of(os_abi: elf::OsAbi) -> Self {
        match os_abi {
            elf::ELFOSABI_FREEBSD => Self::FreeBsd,
            elf::ELFOSABI_NETBSD => Self::NetBsd,
            elf::ELFOSABI_OPENBSD => Self::OpenBsd,
            elf::ELFOSABI_SOLARIS => Self::Solaris,
            _ => Self::Unknown,
        }
    }

    /// Returns its name in messages.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::FreeBsd => Some("FreeBSD"),
            Self::NetBsd => Some("NetBSD"),
            Self::OpenBsd => Some("OpenBSD"),
            Self::Solaris => Some("Solaris"),
        }
    }

    /// Whether a platform with this `os` runs it; `None` if that is not known.
    fn runs_on(self, os: &str) -> Option<bool> {
        match (self, os) {
            (Self::Unknown, _) => None,
            (Self::FreeBsd, "freebsd")
            | (Self::NetBsd, "netbsd")
            | (Self::OpenBsd, "openbsd")
            | (Self::Solaris, "solaris" | "illumos") => Some(true),
            (_, "linux" | "freebsd" | "netbsd" | "openbsd") => Some(false),
            _ => None,
        }
    }
}

/// The kind of a file by its first bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Header {
    Program(Machine),
    /// An ELF file that ends before its headers or segments do.
    CutOff,
    Other,
}

impl Header {
    /// Parses the header of a program or a shared library of `size` bytes that starts with `head`. Objects of
    /// a compiler, of the kernel or of BPF do not count: they need not be for the machine they are on.
    pub fn parse(head: &[u8], size: u64) -> Self {
        let machine = match head {
            [0x7f, b'E', b'L', b'F', _, 1 | 2, ..] => {
                return match head[4] {
                    1 => elf::<elf::FileHeader32<Endianness>>(head, size),
                    2 => elf::<elf::FileHeader64<Endianness>>(head, size),
                    _ => Self::Other,
                };
            }
            [0x7f, b'E', b'L', b'F'] | [0x7f, b'E', b'L', b'F', _] => return Self::CutOff,
            [0, b'a', b's', b'm', ..] => Some(Machine::Wasm),
            // A shell or a loader starts such a program on Linux and the BSDs (Cosmopolitan's `ape/ape.S`).
            [b'M', b'Z', b'q', b'F', b'p', b'D', ..] => None,
            [b'M', b'Z', ..] => pe(head),
            _ => mach_o(head),
        };
        machine.map_or(Self::Other, Self::Program)
    }
}

/// How a dynamically linked program passes floating-point numbers to its libraries; only some headers
/// tell. A static program runs with either ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    Unknown,
    Soft,
    Single,
    Hard,
}

impl Machine {
    /// Whether a platform runs it; `None` if that is not known.
    pub fn runs_on(self, platform: &Platform) -> Option<bool> {
        let (architecture, variant) = platform.normal();
        match (self, platform.os.as_str()) {
            (Self::Wasm, _) if architecture == "wasm" => Some(true),
            // Runtimes with an engine start modules on any machine (`module.wasm.image/variant`).
            (Self::Wasm, _) => None,
            (
                Self::Pe {
                    is_managed: true, ..
                },
                _,
            ) => None,
            (Self::Pe { machine, .. }, "windows") => {
                let expected: &[_] = match architecture {
                    "amd64" => &[pe::IMAGE_FILE_MACHINE_AMD64],
                    "386" => &[pe::IMAGE_FILE_MACHINE_I386],
                    "arm" => &[pe::IMAGE_FILE_MACHINE_ARMNT],
                    "arm64" => &[
                        pe::IMAGE_FILE_MACHINE_ARM64,
                        pe::IMAGE_FILE_MACHINE_ARM64EC,
                        pe::IMAGE_FILE_MACHINE_ARM64X,
                    ],
                    _ => return None,
                };
                Some(expected.contains(&machine))
            }
            (Self::MachO { .. }, "darwin" | "ios") => None,
            (Self::Pe { .. } | Self::Elf { .. }, _) if architecture == "wasm" => Some(false),
            (Self::Pe { .. } | Self::MachO { .. }, _) => Some(false),
            (Self::Elf { .. }, "windows") => None,
            (
                Self::Elf {
                    machine,
                    is_64_bit,
                    endianness,
                    float,
                    system,
                },
                os,
            ) => {
                if system.runs_on(os) == Some(false) {
                    return Some(false);
                }
                let (expected, expected_64_bit, expected_endianness) = elf_form(architecture)?;
                let right_float = match (architecture, variant, float) {
                    ("arm", Some("v5"), float) => float != Float::Hard,
                    // An `arm` without a variant may be either; v6 and later are hard-float by
                    // convention (Docker's and Debian's armhf).
                    ("arm" | "armbe", Some(_), float) => float != Float::Soft,
                    // The name of riscv64 says nothing about the ABI: whole systems have `lp64`.
                    _ => true,
                };
                Some(
                    machine == expected
                        && is_64_bit == expected_64_bit
                        && endianness == expected_endianness
                        && right_float,
                )
            }
        }
    }

    /// Whether a file that is not started is for another platform. On other systems, programs for Windows and
    /// macOS are data, such as the launchers that Python's `distlib` has.
    pub fn is_foreign_file(self, platform: &Platform) -> bool {
        let is_data = match self {
            Self::Pe { .. } => platform.os != "windows" && platform.normal().0 != "wasm",
            Self::MachO { .. } => true,
            Self::Elf { .. } | Self::Wasm => false,
        };
        !is_data && self.runs_on(platform) == Some(false)
    }

    /// Whether it is for an operating system that is not that of a platform.
    pub fn is_for_other_system(self, os: &str) -> bool {
        match self {
            Self::Elf { system, .. } => system.runs_on(os) == Some(false),
            Self::Pe { .. } => os != "windows",
            Self::MachO { .. } => !matches!(os, "darwin" | "ios"),
            Self::Wasm => false,
        }
    }

    /// Returns Go's name of the architecture, as in a platform.
    pub fn architecture(self) -> Option<&'static str> {
        match self {
            Self::Elf {
                machine,
                is_64_bit,
                endianness,
                ..
            } => ARCHITECTURES
                .iter()
                .find(|(_, form)| *form == (machine, is_64_bit, endianness))
                .map(|(architecture, _)| *architecture),
            Self::Pe { machine, .. } => match machine {
                pe::IMAGE_FILE_MACHINE_AMD64 => Some("amd64"),
                pe::IMAGE_FILE_MACHINE_I386 => Some("386"),
                pe::IMAGE_FILE_MACHINE_ARMNT => Some("arm"),
                pe::IMAGE_FILE_MACHINE_ARM64 => Some("arm64"),
                _ => None,
            },
            Self::MachO { cpu } => match cpu? {
                CPU_TYPE_X86_64 => Some("amd64"),
                CPU_TYPE_ARM64 => Some("arm64"),
                _ => None,
            },
            Self::Wasm => Some("wasm"),
        }
    }
}

/// The fields of an ELF header that an architecture decides: machine, whether it has 64 bits,
/// endianness.
type ElfForm = (elf::Machine, bool, Endianness);

/// Architectures by Go's names (`go tool dist list`, and those that Go has reserved in
/// `internal/syslist`).
const ARCHITECTURES: [(&str, ElfForm); 18] = {
    use Endianness::{Big, Little};
    [
        ("386", (elf::EM_386, false, Little)),
        ("amd64", (elf::EM_X86_64, true, Little)),
        ("arm", (elf::EM_ARM, false, Little)),
        ("armbe", (elf::EM_ARM, false, Big)),
        ("arm64", (elf::EM_AARCH64, true, Little)),
        ("arm64be", (elf::EM_AARCH64, true, Big)),
        ("loong64", (elf::EM_LOONGARCH, true, Little)),
        ("mips", (elf::EM_MIPS, false, Big)),
        ("mipsle", (elf::EM_MIPS, false, Little)),
        ("mips64", (elf::EM_MIPS, true, Big)),
        ("mips64le", (elf::EM_MIPS, true, Little)),
        ("ppc", (elf::EM_PPC, false, Big)),
        ("ppc64", (elf::EM_PPC64, true, Big)),
        ("ppc64le", (elf::EM_PPC64, true, Little)),
        ("riscv", (elf::EM_RISCV, false, Little)),
        ("riscv64", (elf::EM_RISCV, true, Little)),
        ("s390x", (elf::EM_S390, true, Big)),
        ("sparc64", (elf::EM_SPARCV9, true, Big)),
    ]
};

fn elf_form(architecture: &str) -> Option<ElfForm> {
    let mut known = ARCHITECTURES.iter();
    let found = known.find(|(known, _)| *known == architecture);
    found.map(|(_, form)| *form)
}

/// Parses an ELF header. The kernel does not check the versions in it, so files without them start too.
fn elf<T: FileHeader<Endian = Endianness>>(head: &[u8], size: u64) -> Header {
    let Ok((header, _)) = pod::from_bytes::<T>(head) else {
        return Header::CutOff;
    };
    let Ok(endianness) = header.endian() else {
        return Header::Other;
    };
    let kind = header.e_type(endianness);
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        return Header::Other;
    }
    let headers = header.program_headers(endianness, head);
    let headers_end = u64::from(header.e_phentsize(endianness))
        .saturating_mul(header.e_phnum(endianness).into())
        .saturating_add(header.e_phoff(endianness).into());
    let segments = headers.unwrap_or_default().iter();
    let is_dynamic = segments
        .clone()
        .any(|header| header.p_type(endianness) == elf::PT_INTERP);
    let loaded = segments.filter(|header| header.p_type(endianness) == elf::PT_LOAD);
    let mut ends = loaded.map(|header| {
        let (start, size) = (header.p_offset(endianness), header.p_filesz(endianness));
        start.into().saturating_add(size.into())
    });
    if headers_end > size || ends.any(|end| end > size) {
        return Header::CutOff;
    }
    let (machine, flags) = (header.e_machine(endianness), header.e_flags(endianness));
    let float = match machine {
        // Program headers that are not in `head` are not read.
        _ if !is_dynamic => Float::Unknown,
        elf::EM_ARM if flags.arm_eabi() == elf::EF_ARM_EABI_VER5 => {
            match (
                flags.0 & elf::EF_ARM_ABI_FLOAT_SOFT != 0,
                flags.0 & elf::EF_ARM_ABI_FLOAT_HARD != 0,
            ) {
                (true, false) => Float::Soft,
                (false, true) => Float::Hard,
                _ => Float::Unknown,
            }
        }
        elf::EM_RISCV => match flags.riscv_float_abi() {
            elf::EF_RISCV_FLOAT_ABI_SOFT => Float::Soft,
            elf::EF_RISCV_FLOAT_ABI_SINGLE => Float::Single,
            _ => Float::Hard,
        },
        _ => Float::Unknown,
    };
    Header::Program(Machine::Elf {
        machine,
        is_64_bit: header.is_type_64(),
        endianness,
        float,
        system: System::of(header.e_ident().os_abi),
    })
}

/// The types of processors for which macOS has programs today.
const CPU_TYPE_X86_64: u32 = 0x0100_0007;
const CPU_TYPE_ARM64: u32 = 0x0100_000c;

/// The type of a Mach-O file that is a program (`MH_EXECUTE`).
const MACH_PROGRAM: u32 = 2;

/// More processors than any file has. A class of Java starts with the same bytes and the version 45 or later.
const MAX_MACH_CPUS: u32 = 30;

/// Parses the header of a program for macOS. Its libraries do not count: they are not started.
fn mach_o(head: &[u8]) -> Option<Machine> {
    let word = |index: usize| head.get(index * 4..)?.first_chunk().copied();
    let number = match word(0)? {
        [0xca, 0xfe, 0xba, 0xbe | 0xbf] => {
            let count = u32::from_be_bytes(word(1)?);
            let is_program = (1..MAX_MACH_CPUS).contains(&count);
            return is_program.then_some(Machine::MachO { cpu: None });
        }
        [0xfe, 0xed, 0xfa, 0xce | 0xcf] => u32::from_be_bytes,
        [0xce | 0xcf, 0xfa, 0xed, 0xfe] => u32::from_le_bytes,
        _ => return None,
    };
    let cpu = Some(number(word(1)?));
    (number(word(3)?) == MACH_PROGRAM).then_some(Machine::MachO { cpu })
}

fn pe(head: &[u8]) -> Option<Machine> {
    match optional_header_magic(head).ok()? {
        pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => pe_headers::<ImageNtHeaders32>(head),
        pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => pe_headers::<ImageNtHeaders64>(head),
        _ => None,
    }
}

fn pe_headers<T: ImageNtHeaders>(head: &[u8]) -> Option<Machine> {
    let mut offset = ImageDosHeader::parse(head).ok()?.nt_headers_offset().into();
    let (headers, directories): (_, read::pe::DataDirectories<'_>) =
        T::parse(head, &mut offset).ok()?;
    let managed = directories.get(pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR);
    Some(Machine::Pe {
        machine: headers.file_header().machine.get(LE),
        is_managed: managed.is_some_and(|table| table.size.get(LE) > 0),
    })
}

/// `x86-64`, `Arm (32-bit, soft-float)`, `MIPS (32-bit, big-endian)`.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, is_64_bit, endianness, float) = match *self {
            Self::Elf {
                machine,
                is_64_bit,
                endianness,
                float,
                system,
            } => {
                if let Some(name) = system.name() {
                    write!(f, "{name} on ")?;
                }
                (machine, is_64_bit, endianness, float)
            }
            Self::Wasm => return f.write_str("WebAssembly"),
            Self::MachO { cpu } => {
                return match (self.architecture(), cpu) {
                    (Some(architecture), _) => write!(f, "macOS on {architecture}"),
                    (None, Some(cpu)) => write!(f, "macOS on machine {cpu:#x}"),
                    (None, None) => f.write_str("macOS on several machines"),
                };
            }
            Self::Pe { machine, .. } => {
                return match self.architecture() {
                    Some(architecture) => write!(f, "Windows on {architecture}"),
                    None => write!(f, "Windows on machine {:#06x}", machine.0),
                };
            }
        };
        match machine {
            elf::EM_386 => write!(f, "x86")?,
            elf::EM_X86_64 => write!(f, "x86-64")?,
            elf::EM_ARM => write!(f, "Arm")?,
            elf::EM_AARCH64 => write!(f, "AArch64")?,
            elf::EM_LOONGARCH => write!(f, "LoongArch")?,
            elf::EM_MIPS => write!(f, "MIPS")?,
            elf::EM_PPC | elf::EM_PPC64 => write!(f, "Power")?,
            elf::EM_RISCV => write!(f, "RISC-V")?,
            elf::EM_S390 => write!(f, "S/390")?,
            elf::EM_SPARCV9 => write!(f, "SPARC")?,
            other => write!(f, "ELF machine {}", other.0)?,
        }
        // The name of these implies the rest.
        if matches!(machine, elf::EM_386 | elf::EM_X86_64 | elf::EM_AARCH64)
            && endianness.is_little_endian()
            && is_64_bit == (machine != elf::EM_386)
        {
            return Ok(());
        }
        let bits = if is_64_bit { "64-bit" } else { "32-bit" };
        let endian = if endianness.is_little_endian() {
            "little-endian"
        } else {
            "big-endian"
        };
        let float = match float {
            Float::Unknown => "",
            Float::Soft => ", soft-float",
            Float::Single => ", single-float",
            Float::Hard => ", hard-float",
        };
        write!(f, " ({bits}, {endian}{float})")
    }
}
