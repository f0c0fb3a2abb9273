//! The artifact that an archive is: as Maven, the manifest and the name of the file describe it.

use super::MAVEN;
use crate::sbom::packages::{FoundPackage, field};
use crate::sbom::report::ComponentType;

/// Artifacts that are built without Maven and name their group nowhere: how their names start, the group, and the
/// directory of their classes.
const KNOWN: [(&str, &str, &str); 11] = [
    ("bcpkix-", "org.bouncycastle", "org/bouncycastle/"),
    ("bcprov-", "org.bouncycastle", "org/bouncycastle/"),
    ("kotlin-reflect", "org.jetbrains.kotlin", "kotlin/"),
    ("kotlin-stdlib", "org.jetbrains.kotlin", "kotlin/"),
    ("scala-compiler", "org.scala-lang", "scala/"),
    ("scala-library", "org.scala-lang", "scala/"),
    ("scala-reflect", "org.scala-lang", "scala/"),
    (
        "spring-boot",
        "org.springframework.boot",
        "org/springframework/boot/",
    ),
    (
        "spring-security-",
        "org.springframework.security",
        "org/springframework/security/",
    ),
    ("tomcat-embed-", "org.apache.tomcat.embed", "org/apache/"),
    ("xercesImpl", "xerces", "org/apache/xerces/"),
];

/// The modules of the Spring Framework, without `spring-` in front.
const SPRING: [&str; 20] = [
    "aop",
    "aspects",
    "beans",
    "context",
    "context-indexer",
    "context-support",
    "core",
    "expression",
    "instrument",
    "jcl",
    "jdbc",
    "jms",
    "messaging",
    "orm",
    "oxm",
    "r2dbc",
    "tx",
    "web",
    "webflux",
    "webmvc",
];

/// Organisations whose names are not the groups of their artifacts.
const FOUNDATIONS: [&str; 3] = ["org.apache", "org.eclipse", "org.glassfish"];

/// Returns the artifact that Maven has built.
pub fn of_properties(text: &str) -> Option<FoundPackage> {
    let of = |key: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.trim().strip_prefix(key)?.trim().strip_prefix('='));
        value.map(str::trim).filter(|value| !value.is_empty())
    };
    let mut package = FoundPackage::new(ComponentType::Maven, of("artifactId")?, of("version")?);
    package.namespace = of("groupId").map(str::to_owned);
    Some(package)
}

/// The attributes of an archive.
pub struct Manifest {
    main: String,
}

impl Manifest {
    pub fn parse(text: &str) -> Self {
        // Long lines go on after a line break and a space.
        let text = text.replace("\r\n", "\n").replace("\n ", "");
        let main = text.split("\n\n").next().unwrap_or_default();
        Self {
            main: main.to_owned(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        field(&self.main, name)
    }

    /// Returns a version without the number of a build after it.
    fn version(&self, name: &str) -> Option<&str> {
        let version = self.attribute(name)?.split_whitespace().next()?;
        // A variable that the build did not replace.
        (!version.contains('$')).then_some(version)
    }

    /// Returns the group that sbt and older versions of Maven write.
    fn vendor(&self) -> Option<&str> {
        let vendor = self.attribute("Implementation-Vendor-Id")?;
        (is_group(vendor) && !FOUNDATIONS.contains(&vendor)).then_some(vendor)
    }

    /// Returns what is before the name of the artifact in the name of a bundle. Short names may have no group in front:
    /// the bundle of `com.google.guava:guava` is `com.google.guava`.
    fn bundle(&self, name: &str) -> Option<&str> {
        let bundle = self.attribute("Bundle-SymbolicName")?.split(';').next()?;
        let group = bundle.trim().strip_suffix(name)?.strip_suffix('.')?;
        (is_group(group) && group.split('.').count() > 2).then_some(group)
    }
}

/// The name of an archive: `guava-33.6.0-jre.jar`.
pub struct FileName<'a> {
    /// Without the extension.
    base: &'a str,
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> FileName<'a> {
    pub fn of(file: &'a str) -> Self {
        let base = file.rsplit_once('.').map_or(file, |(base, _)| base);
        let is_version = |at: &usize| base[at + 1..].starts_with(|c: char| c.is_ascii_digit());
        let mut dashes = base.match_indices('-').map(|(at, _)| at);
        let (name, version) = match dashes.find(is_version) {
            Some(at) => (&base[..at], Some(&base[at + 1..])),
            None => (base, None),
        };
        // Debian has links such as `spring-core-3.x.jar`.
        let version = version.filter(|version| !version.split('.').any(|part| part == "x"));
        Self {
            base,
            name,
            version,
        }
    }

    /// Whether this is the archive of an artifact: `log4j-1.2-api-2.25.4` is that of `log4j-1.2-api`.
    pub fn is_of(&self, artifact: &str) -> bool {
        let rest = self.base.strip_prefix(artifact);
        let version = rest.and_then(|rest| rest.strip_prefix('-'));
        rest == Some("")
            || version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Whether this may be the only artifact in the archive, under another name.
    pub fn is_renamed(&self, found: &[FoundPackage]) -> bool {
        match found {
            [] => false,
            [artifact] => {
                (self.version).is_none_or(|version| version.starts_with(&*artifact.version))
            }
            _ => self.version.is_none(),
        }
    }

    /// Returns the archive as its name and its manifest describe it; none without a version.
    pub fn artifact(&self, manifest: &Manifest, group: Option<String>) -> Option<FoundPackage> {
        let built = manifest.version("Implementation-Version");
        let version = match (self.version, built) {
            // A classifier comes after the version: `4.2.13.Final-linux-x86_64`.
            (Some(version), Some(built)) => match version.strip_prefix(built) {
                Some(rest) if rest.starts_with('-') => built,
                _ => version,
            },
            (Some(version), None) => version,
            (None, _) => built
                .or_else(|| manifest.version("Bundle-Version"))
                .or_else(|| manifest.version("Specification-Version"))?,
        };
        let mut package = FoundPackage::new(ComponentType::Maven, self.name, version);
        package.namespace = group;
        Some(package)
    }

    /// Returns the group of the artifact, where the archive names it. The manifest of an archive that `is_merged` of
    /// several may be that of any of them.
    pub fn group<'f>(
        &self,
        manifest: &Manifest,
        is_merged: bool,
        mut files: impl Iterator<Item = &'f [u8]>,
    ) -> Option<String> {
        let known = KNOWN
            .iter()
            .find(|(start, ..)| self.name.starts_with(start));
        let known = known.map(|(_, group, classes)| (*group, *classes));
        let spring = self.name.strip_prefix("spring-");
        let spring = spring.filter(|module| SPRING.contains(module));
        let spring = spring.map(|_| ("org.springframework", "org/springframework/"));
        if let Some((group, classes)) = known.or(spring) {
            let has_classes = files.any(|file| file.starts_with(classes.as_bytes()));
            return has_classes.then(|| group.to_owned());
        }
        let described = |file: &'f [u8]| {
            let path = std::str::from_utf8(file.strip_prefix(MAVEN)?).ok()?;
            let (group, rest) = path.split_once('/')?;
            (rest.split_once('/')? == (self.name, "pom.xml")).then(|| group.to_owned())
        };
        let in_manifest = || {
            let group = manifest.vendor().or_else(|| manifest.bundle(self.name))?;
            (!is_merged).then(|| group.to_owned())
        };
        files.find_map(described).or_else(in_manifest)
    }
}

/// Whether a text can be the group of an artifact: the name of a domain, the other way round.
fn is_group(text: &str) -> bool {
    let is_label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_lowercase())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_and_the_manifest_give_group_and_version() {
        let cases: [(&str, &str, &str, &str, &str, &str); 12] = [
            // As on Maven Central: archives of Gradle, Ant, sbt and Debian, without `pom.properties`.
            (
                "spring-core-5.3.17.jar",
                "Implementation-Title: spring-core\nImplementation-Version: 5.3.17",
                "org/springframework/core/A.class",
                "org.springframework",
                "spring-core",
                "5.3.17",
            ),
            (
                "spring-boot-starter-web-2.6.5.jar",
                "Implementation-Version: 2.6.5",
                "META-INF/LICENSE.txt",
                "-",
                "spring-boot-starter-web",
                "2.6.5",
            ),
            (
                "tomcat-embed-core-9.0.60.jar",
                "Bundle-SymbolicName: org.apache.tomcat-embed-core",
                "org/apache/catalina/A.class",
                "org.apache.tomcat.embed",
                "tomcat-embed-core",
                "9.0.60",
            ),
            (
                "cats-kernel_2.13-2.8.0.jar",
                "Implementation-Vendor-Id: org.typelevel\nImplementation-Version: 2.8.0",
                "cats/A.class",
                "org.typelevel",
                "cats-kernel_2.13",
                "2.8.0",
            ),
            (
                "snappy-java-1.1.10.8.jar",
                "Bundle-SymbolicName: org.xerial.snappy.snappy-java\nBundle-Version: 1.1.10.8",
                "org/xerial/A.class",
                "org.xerial.snappy",
                "snappy-java",
                "1.1.10.8",
            ),
            // The bundle is named as the group.
            (
                "guava-33.6.0-jre.jar",
                "Bundle-SymbolicName: com.google.guava",
                "com/google/A.class",
                "-",
                "guava",
                "33.6.0-jre",
            ),
            (
                "commons-daemon-1.0.15.jar",
                "Implementation-Vendor-Id: org.apache\nImplementation-Version: 1.0.15",
                "org/apache/A.class",
                "-",
                "commons-daemon",
                "1.0.15",
            ),
            (
                "xz-1.12.jar",
                "Implementation-Version: 1.12",
                "META-INF/maven/org.tukaani/xz/pom.xml",
                "org.tukaani",
                "xz",
                "1.12",
            ),
            (
                "derby-10.16.1.1.jar",
                "Bundle-SymbolicName: derby\nBundle-Version: 10.16.1000001.1901046",
                "",
                "-",
                "derby",
                "10.16.1.1",
            ),
            (
                "jna.jar",
                "Bundle-Version: 5.13.0\nImplementation-Version: 5.13.0 (b0)",
                "",
                "-",
                "jna",
                "5.13.0",
            ),
            (
                "netty-epoll-4.2.13.Final-linux-x86_64.jar",
                "Implementation-Version: 4.2.13.Final",
                "",
                "-",
                "netty-epoll",
                "4.2.13.Final",
            ),
            (
                "swt-4.x.jar",
                "Implementation-Version: ${version}\nBundle-Version: 3.114.100",
                "",
                "-",
                "swt",
                "3.114.100",
            ),
        ];
        for (file, manifest, entry, group, name, version) in cases {
            let manifest = Manifest::parse(manifest);
            let file = FileName::of(file);
            let found_group = file.group(&manifest, false, [entry.as_bytes()].into_iter());
            let found = file.artifact(&manifest, found_group).unwrap();
            let found_group = found.namespace.as_deref().unwrap_or("-");
            assert_eq!(
                (found_group, &*found.name, &*found.version),
                (group, name, version)
            );
        }
    }
}
