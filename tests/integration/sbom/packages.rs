//! Packages in files: of package managers, and in programs.

use std::io::{Read, Write};

use super::*;

/// The package URLs of an image and the paths of their components.
fn purls(layers: &[Vec<u8>]) -> Vec<(String, String)> {
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", layers);
    let document = cyclonedx(&scratch, "a.tar");
    let components = document["components"].as_array().unwrap().iter();
    components
        .filter(|component| component["type"] != "operating-system")
        .map(|component| {
            let purl = component["purl"].as_str().unwrap_or("-");
            (
                purl.to_owned(),
                properties(component, "polyarch:path").concat(),
            )
        })
        .collect()
}

fn of_file(path: &str, content: &[u8]) -> Vec<String> {
    let found = purls(&[layer(&[Entry::File(path, content)])]);
    found.into_iter().map(|(purl, _)| purl).collect()
}

/// Bytes like those of a program, with `part` at a position.
fn program(part: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = noise(7, at + 100_000);
    bytes[..4].copy_from_slice(b"\x7fELF");
    bytes[at..at + part.len()].copy_from_slice(part);
    bytes
}

const DPKG: &str = "\
Package: openssl
Status: install ok triggers-pending
Architecture: amd64
Version: 3.0.13-1~deb12u1

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: tzdata
Source: tz (2024a-1)
Status: install ok installed
Architecture: all
Version: 2024a-0+deb12u1
Description: time
 zones
";

#[test]
fn databases_of_distributions_name_their_packages() {
    let os = b"NAME=x\nID=debian\nVERSION_ID=\"12\"\n";
    let debian = layer(&[
        Entry::File("usr/lib/os-release", os),
        Entry::File("var/lib/dpkg/status", DPKG.as_bytes()),
    ]);
    let expected = [
        "pkg:deb/debian/openssl@3.0.13-1~deb12u1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/tzdata@2024a-0%2Bdeb12u1?arch=all&distro=debian-12&upstream=tz%402024a-1",
    ];
    let found = purls(std::slice::from_ref(&debian));
    let found: Vec<&str> = found.iter().map(|(purl, _)| &**purl).collect();
    assert_eq!(found, expected);
    // The database of the upper layer counts.
    let upper = DPKG.split("\n\n").next().unwrap().replace("13-1", "14-1");
    let upper = layer(&[Entry::File("var/lib/dpkg/status", upper.as_bytes())]);
    let found = purls(&[debian, upper]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].0,
        "pkg:deb/debian/openssl@3.0.14-1~deb12u1?arch=amd64&distro=debian-12"
    );
    let distroless = "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n";
    let found = of_file("var/lib/dpkg/status.d/base", distroless.as_bytes());
    assert_eq!(found, ["pkg:deb/debian/base-files@12.4?arch=amd64"]);
    let apk = b"C:Q1=\nP:musl-utils\nV:1.2.4-r2\nA:x86_64\no:musl\nL:MIT\nF:lib\nR:ld-musl-x86_64.so.1\n\n";
    let found = of_file("lib/apk/db/installed", apk);
    assert_eq!(
        found,
        ["pkg:apk/alpine/musl-utils@1.2.4-r2?arch=x86_64&upstream=musl"]
    );
}

#[test]
fn packages_of_languages_are_found_by_their_metadata() {
    let node = br#"{"name":"@babel/core","version":"7.24.0","license":"MIT"}"#;
    let python = b"Metadata-Version: 2.1\nName: Flask_Thing\nVersion: 3.0\n\nVersion: 4.0\n";
    for (path, content, expected) in [
        (
            "app/node_modules/@babel/core/package.json",
            &node[..],
            "pkg:npm/%40babel/core@7.24.0",
        ),
        (
            "lib/python3/site-packages/flask.dist-info/METADATA",
            python,
            "pkg:pypi/flask-thing@3.0",
        ),
        (
            "lib/python3/site-packages/flask.egg-info/PKG-INFO",
            python,
            "pkg:pypi/flask-thing@3.0",
        ),
        (
            "lib/python3/site-packages/flask.egg/EGG-INFO/PKG-INFO",
            python,
            "pkg:pypi/flask-thing@3.0",
        ),
        (
            "lib/python3/site-packages/flask.egg-info",
            python,
            "pkg:pypi/flask-thing@3.0",
        ),
    ] {
        assert_eq!(of_file(path, content), [expected], "{path}");
    }
    assert_eq!(
        of_file("app/package.json", node),
        ["pkg:npm/%40babel/core@7.24.0"]
    );
    let other = br#"{"name":"x","version":"1.0.0","engines":{"vscode":"^1.0"}}"#;
    for (path, content) in [
        ("app/node_modules/x/test/package.json", &node[..]),
        ("extensions/x/package.json", other),
    ] {
        assert_eq!(of_file(path, content), [""; 0], "{path}");
    }
}

/// The files are those that pacman 6.0, Composer 2.5, RubyGems 3.3 and the SDK of .NET write.
#[test]
fn packages_of_other_managers_are_components_with_files() {
    let gem = "# -*- encoding: utf-8 -*-\n# stub: poly_real 2.0.0 x86_64-linux lib\n\nGem::Specification.new do |s|\n  s.name = \"poly_real\".freeze\n  s.licenses = [\"Apache-2.0\".freeze]\nend\n";
    let default =
        "Gem::Specification.new do |s|\n  s.name = 'json'\n  s.version = \"2.6.1\"\nend\n";
    let composer = r#"{"packages":[{"name":"acme/lib-one","version":"v1.2.3","license":["MIT","GPL-2.0-only"],"install-path":"../acme/lib-one"},{"name":"acme/two","version":"2.0.0","install-path":"../../srv/two"}],"dev":true}"#;
    let legacy = r#"[{"name":"psr/log","version":"1.1.4","license":"MIT"}]"#;
    let dotnet = r#"{"targets":{"net8.0":{"App/1.0.0":{"runtime":{"App.dll":{}}},"Newtonsoft.Json/13.0.3":{"runtime":{"lib/net6.0/Newtonsoft.Json.dll":{}},"resources":{"lib/net6.0/de/Newtonsoft.Json.resources.dll":{}}},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"native":{"libhostfxr.so":{}}},"Microsoft.SourceLink.GitHub/1.0.0":{}}},"libraries":{"App/1.0.0":{"type":"project"},"Newtonsoft.Json/13.0.3":{"type":"package"},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"},"Microsoft.SourceLink.GitHub/1.0.0":{"type":"package"}}}"#;
    let description = "%NAME%\ntool\n\n%VERSION%\n1:2.3+r4-1\n\n%BASE%\ntoolbase\n\n%ARCH%\nx86_64\n\n%LICENSE%\nMIT\n\n";
    let files = "%FILES%\nusr/\nusr/bin/\nusr/bin/tool\n\n%BACKUP%\netc/tool.conf\tsum\n";
    let entries = [
        (
            "gems/specifications/poly_real-2.0.0-x86_64-linux.gemspec",
            gem,
        ),
        ("gems/specifications/default/json-2.6.1.gemspec", default),
        ("gems/gems/poly_real-2.0.0-x86_64-linux/lib/real.rb", ""),
        // Of the source of a package, which is not installed.
        ("gems/gems/poly_real-2.0.0-x86_64-linux/x.gemspec", default),
        ("app/vendor/composer/installed.json", composer),
        ("app/vendor/composer/ClassLoader.php", ""),
        ("app/vendor/acme/lib-one/a.php", ""),
        ("app/srv/two/b.php", ""),
        ("old/vendor/composer/installed.json", legacy),
        ("old/vendor/psr/log/c.php", ""),
        ("net/App.deps.json", dotnet),
        ("net/App.dll", ""),
        ("net/Newtonsoft.Json.dll", ""),
        ("net/de/Newtonsoft.Json.resources.dll", ""),
        ("net/libhostfxr.so", ""),
        ("var/lib/pacman/local/tool-1:2.3+r4-1/desc", description),
        ("var/lib/pacman/local/tool-1:2.3+r4-1/files", files),
        ("var/lib/pacman/local/tool-1:2.3+r4-1/mtree", ""),
        ("usr/bin/tool", ""),
        ("opt/other", ""),
    ];
    let entries = entries.map(|(path, content)| Entry::File(path, content.as_bytes()));
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", &[layer(&entries)]);
    let document = cyclonedx(&scratch, "a.tar");
    let components = document["components"].as_array().unwrap().iter();
    let found = components.map(|component| {
        let license = &component["licenses"][0]["expression"];
        let purl = component["purl"].as_str().unwrap();
        (purl, license.as_str().unwrap_or_default())
    });
    let expected = [
        (
            "pkg:alpm/arch/tool@1:2.3%2Br4-1?arch=x86_64&upstream=toolbase",
            "MIT",
        ),
        ("pkg:composer/acme/lib-one@v1.2.3", "MIT OR GPL-2.0-only"),
        ("pkg:composer/acme/two@2.0.0", ""),
        ("pkg:composer/psr/log@1.1.4", "MIT"),
        ("pkg:gem/json@2.6.1", ""),
        (
            "pkg:gem/poly_real@2.0.0?platform=x86_64-linux",
            "Apache-2.0",
        ),
        (
            "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@8.0.1",
            "",
        ),
        ("pkg:nuget/Newtonsoft.Json@13.0.3", ""),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let others = properties(&document["metadata"]["component"], "polyarch:other_file");
    assert_eq!(others, ["/opt/other"]);
}

#[test]
fn licenses_are_found_in_every_form_of_metadata() {
    let node = |license: &str| format!(r#"{{"name":"x","version":"1.0.0",{license}}}"#);
    let python =
        |license: &str| format!("Name: x\r\nVersion: 1\r\n{license}\r\n\r\nLicense: no\r\n");
    let package = "node_modules/x/package.json";
    let metadata = "x.dist-info/METADATA";
    for (path, content, expected) in [
        (package, node(r#""license":"MIT""#), Some("MIT")),
        (
            package,
            node(r#""license":{"type":"ISC","url":"u"}"#),
            Some("ISC"),
        ),
        (
            package,
            node(r#""licenses":[{"type":"MIT"},{"type":"Apache-2.0"}]"#),
            Some("MIT OR Apache-2.0"),
        ),
        (metadata, python("License-Expression: MIT"), Some("MIT")),
        (metadata, python("License: Apache-2.0"), Some("Apache-2.0")),
        (metadata, python("License: see LICENSE"), None),
    ] {
        let scratch = Scratch::new();
        let layer = layer(&[Entry::File(path, content.as_bytes())]);
        image(&scratch, "a.tar", "linux/amd64", &[layer]);
        let document = cyclonedx(&scratch, "a.tar");
        let license = component(&document, "x")["licenses"][0]["expression"].as_str();
        assert_eq!(license, expected, "{content}");
    }
}

/// A Java archive that Python writes, after a script that starts it.
fn jar(scratch: &Scratch, files: &[(&str, &[u8])]) -> Vec<u8> {
    let script = r##"python3 -c '
import os, sys, zipfile
with zipfile.ZipFile("out.jar", "w", zipfile.ZIP_DEFLATED) as jar:
    for name in sys.stdin.read().split():
        jar.write("content/" + name, name)
jar = open("out.jar", "rb").read()
open("out.jar", "wb").write(b"#!/bin/sh\nexec java -jar $0\n" + jar)
' <names"##;
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    scratch.write("names", names.join("\n").as_bytes());
    for (name, content) in files {
        scratch.write(&format!("content/{name}"), content);
    }
    sh(scratch, script);
    std::fs::read(scratch.path("out.jar")).unwrap()
}

#[test]
fn java_archives_are_searched_also_in_archives() {
    if !have(&["python3"]) {
        return;
    }
    let scratch = Scratch::new();
    let properties = b"#Created\ngroupId=org.example\nartifactId = inner\nversion=1.2.3\n";
    let inner = jar(
        &scratch,
        &[(
            "META-INF/maven/org.example/inner/pom.properties",
            properties,
        )],
    );
    let manifest = b"Manifest-Version: 1.0\r\nImplementation-Version: 4.5\r\n .6\r\n\r\n";
    let outer = jar(
        &scratch,
        &[
            ("META-INF/MANIFEST.MF", manifest),
            ("BOOT-INF/lib/inner-1.2.3.jar", &inner),
        ],
    );
    let found = purls(&[layer(&[Entry::File("app/outer.jar", &outer)])]);
    assert_eq!(
        found,
        [
            (
                "pkg:maven/org.example/inner@1.2.3".to_owned(),
                "/app/outer.jar!/BOOT-INF/lib/inner-1.2.3.jar".to_owned()
            ),
            ("-".to_owned(), "/app/outer.jar".to_owned()),
        ]
    );
}

#[test]
fn a_java_archive_with_the_files_of_others_is_an_artifact_too() {
    if !have(&["python3"]) {
        return;
    }
    let scratch = Scratch::new();
    // The manifest may be that of any of them.
    let manifest = b"Implementation-Vendor-Id: org.other.shaded\nImplementation-Version: 1.5\n";
    let other = b"groupId=org.other\nartifactId=other\nversion=1.5\n";
    let archive = jar(
        &scratch,
        &[
            ("META-INF/MANIFEST.MF", manifest),
            ("META-INF/maven/org.other/other/pom.properties", other),
        ],
    );
    let all = |path| {
        let found = purls(&[layer(&[Entry::File(path, &archive)])]);
        found.into_iter().map(|(purl, _)| purl).collect::<Vec<_>>()
    };
    let other = "pkg:maven/org.other/other@1.5";
    assert_eq!(all("client-runtime-3.5.0.jar"), ["-", other]);
    assert_eq!(all("other-1.5-linux.jar"), [other]);
    // Debian renames archives.
    assert_eq!(all("libother.jar"), [other]);
}

#[test]
fn the_crates_of_cargo_auditable_are_found_wherever_they_are() {
    let json = br#"{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true},{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},{"name":"serde","version":"1.0.200","source":"crates.io"}]}"#;
    let expected = ["pkg:cargo/app@0.1.0", "pkg:cargo/serde@1.0.200"];
    for level in [1, 6, 9] {
        let level = flate2::Compression::new(level);
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(json).unwrap();
        let section = encoder.finish().unwrap();
        // In one chunk, on the borders of the first with 512 bytes and others with 64 KiB, and at the end.
        for at in [
            4096,
            505,
            66_042,
            66_048 - section.len(),
            65_530,
            65_536 - section.len(),
            131_072 - 1,
            131_072 - 200,
        ] {
            let found = of_file("app", &program(&section, at));
            assert_eq!(found, expected, "{at}");
        }
        let mut last = noise(3, 70_000);
        last[..4].copy_from_slice(b"\x7fELF");
        last.extend_from_slice(&section);
        assert_eq!(of_file("app", &last), expected);
        // A file that is not a program may have the bytes for another reason.
        assert_eq!(of_file("data", &section), [""; 0]);
    }
}

/// `program` is the section `.dep-v0` of a program that `cargo auditable` 0.7 has built, in its ELF file, and
/// `rust-audit-info.json` is what the reader of that project lists for it.
#[test]
fn the_crates_of_a_program_are_those_that_rust_audit_info_lists() {
    let read = |name: &str| std::fs::read(fixture(&format!("auditable/{name}"))).unwrap();
    let listed: Value = serde_json::from_slice(&read("rust-audit-info.json")).unwrap();
    let listed = listed["packages"].as_array().unwrap();
    let is_built = |package: &&Value| package["kind"] == "build";
    assert_eq!(listed.iter().filter(is_built).count(), 1);
    let mut expected: Vec<String> = (listed.iter())
        .filter(|package| !is_built(package))
        .map(|package| {
            let text = |field: &str| package[field].as_str().unwrap();
            format!("pkg:cargo/{}@{}", text("name"), text("version"))
        })
        .collect();
    expected.sort();
    assert_eq!(expected.len(), 13);
    let mut found = of_file("bin/app", &read("program"));
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_modules_of_a_go_program_are_those_that_go_lists() {
    if !have(&["go"]) {
        return;
    }
    let scratch = Scratch::new();
    let script = r#"
        export HOME=$PWD GOPATH=$PWD/go GOFLAGS=-mod=mod GOPROXY=off GONOSUMDB='*' GOTOOLCHAIN=local
        mkdir -p app lib
        printf 'module example.org/lib/v2\n' >lib/go.mod
        printf 'package lib\nfunc Text() string { return "lib" }\n' >lib/lib.go
        printf 'module example.org/app\nrequire example.org/lib/v2 v2.3.4\nreplace example.org/lib/v2 => ../lib\n' >app/go.mod
        printf 'package main\nimport "example.org/lib/v2"\nfunc main() { println(lib.Text()) }\n' >app/main.go
        cd app
        go build -buildvcs=false -o ../program . >&2
        go version -m ../program
    "#;
    let listed = sh(&scratch, script);
    let version = listed
        .split_whitespace()
        .nth(1)
        .unwrap()
        .trim_start_matches("go");
    let program = std::fs::read(scratch.path("program")).unwrap();
    let mut found = of_file("bin/program", &program);
    found.sort();
    let mut expected = vec![
        "pkg:golang/example.org/app".to_owned(),
        "pkg:golang/example.org/lib/v2@v2.3.4".to_owned(),
        format!("pkg:golang/stdlib@{version}"),
    ];
    expected.sort();
    assert_eq!(found, expected, "{listed}");
    let modules = listed
        .lines()
        .filter(|line| line.starts_with("\tmod\t") || line.starts_with("\tdep\t"));
    assert_eq!(modules.count() + 1, found.len());
}

/// `program-1.15` is the start of a program that Go 1.15 has built and stripped, with its version, list of modules and
/// build information, and `version-m.txt` what `go version -m` lists for the whole program.
#[test]
fn the_modules_of_a_program_of_an_older_go_are_those_that_go_lists() {
    let program = std::fs::read(fixture("go/program-1.15")).unwrap();
    let listed = std::fs::read_to_string(fixture("go/version-m.txt")).unwrap();
    let modules = (listed.lines()).filter_map(|line| match line.trim().split_once('\t')? {
        ("mod" | "dep", module) => Some(module.replace("\t(devel)", "").replace('\t', "@")),
        _ => None,
    });
    let mut expected: Vec<String> = modules
        .map(|module| format!("pkg:golang/{}", module.trim().to_lowercase()))
        .collect();
    assert_eq!(expected.len(), 3);
    expected.push("pkg:golang/stdlib@1.15.15".to_owned());
    let found = |bytes: &[u8]| {
        let mut found = of_file("bin/app", bytes);
        found.sort();
        found
    };
    assert_eq!(found(&program), expected);
    // Names of files and messages have versions too.
    let with = |text: &[u8]| [&program[..], &[0; 8], text].concat();
    assert_eq!(found(&with(b"errors/go1.13.go, requires go1.12")), expected);
    expected.pop();
    assert_eq!(found(&with(b"go1.16.2")), expected);
}

#[test]
fn a_store_path_depends_on_the_packages_in_it() {
    let scratch = Scratch::new();
    let root = "nix/store/1z364a2vnvi1j6x5aqb7nab9ijkx5pgz-python3.12-flask-3.0";
    let path = format!("{root}/lib/python3.12/site-packages/flask-3.0.dist-info/METADATA");
    let layers = [layer(&[Entry::File(&path, b"Name: flask\nVersion: 3.0\n")])];
    image(&scratch, "a.tar", "linux/amd64", &layers);
    let document = cyclonedx(&scratch, "a.tar");
    let of = |name: &str| component(&document, name)["bom-ref"].clone();
    let dependencies = document["dependencies"].as_array().unwrap();
    let owner = of("python3.12-flask");
    let owner = dependencies.iter().find(|d| d["ref"] == owner).unwrap();
    assert_eq!(owner["dependsOn"], serde_json::json!([of("flask")]));
    let table = scratch.run(&["sbom", "a.tar", "pypi"]);
    assert!(table.contains(&format!("/{path}")), "{table}");
}

#[test]
fn files_of_packages_are_not_counted_as_others() {
    let scratch = Scratch::new();
    let list = b"/.\n/usr\n/usr/bin\n/bin/openssl\n";
    let files = [
        Entry::File("var/lib/dpkg/status", DPKG.as_bytes()),
        Entry::File("var/lib/dpkg/info/openssl.list", list),
        // Debian links /bin to /usr/bin.
        Entry::File("usr/bin/openssl", b"program"),
        Entry::File(
            "site/x-1.dist-info/RECORD",
            b"x/__init__.py,sha256=x,1\n\"x/a b.py\",,\n/opt/absolute,,\n../bin/x,,\n",
        ),
        Entry::File(
            "site/y-1.egg-info/installed-files.txt",
            b"../y/__init__.py\nPKG-INFO\n",
        ),
        Entry::File("site/y/__init__.py", b""),
        Entry::File("site/y-1.egg-info/PKG-INFO", b"Name: y\nVersion: 1\n"),
        Entry::File("opt/absolute", b""),
        Entry::File("bin/x", b""),
        Entry::File("var/lib/dpkg/lock", b""),
        Entry::File("site/x/__init__.py", b""),
        Entry::File("site/x/a b.py", b""),
        Entry::File("opt/other", b"other"),
    ];
    image(&scratch, "a.tar", "linux/amd64", &[layer(&files)]);
    let table = scratch.run(&["sbom", "a.tar"]);
    assert!(
        table.ends_with("linux/amd64: 1 file (5 B) in no component\n  /opt/other"),
        "{table}"
    );
}

/// A file of `tests/fixtures/rpm`, decompressed.
fn rpm_database(name: &str) -> Vec<u8> {
    let file = std::fs::File::open(fixture(&format!("rpm/{name}.gz"))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// The databases have the packages of `rpm-qa.txt`, which `rpm -qa` lists for each of them. rpm 4.18 has written
/// `rpmdb.sqlite`, rpm 6.1 `Packages.db`, and `db5.3_load` the same headers into `Packages`.
#[test]
fn the_packages_of_rpm_are_those_that_rpm_lists() {
    let listed = std::fs::read_to_string(fixture("rpm/rpm-qa.txt")).unwrap();
    let mut expected: Vec<String> = (listed.lines())
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let (epoch, version) = words[1].split_once(':').unwrap_or(("", words[1]));
            let epoch = match epoch {
                "" => String::new(),
                epoch => format!("&epoch={epoch}"),
            };
            let name = words[0].replace('+', "%2B");
            format!(
                "pkg:rpm/fedora/{name}@{version}?arch={}&distro=fedora-40{epoch}&upstream={name}-{version}.src.rpm",
                words[2]
            )
        })
        .collect();
    expected.sort();
    assert_eq!(expected.len(), 12);
    for (path, name) in [
        ("var/lib/rpm/rpmdb.sqlite", "rpmdb.sqlite"),
        ("usr/share/rpm/rpmdb.sqlite", "rpmdb.sqlite"),
        ("var/lib/rpm/Packages", "Packages"),
        ("usr/lib/sysimage/rpm/Packages.db", "Packages.db"),
    ] {
        let database = rpm_database(name);
        let layer = layer(&[
            Entry::File("etc/os-release", b"ID=fedora\nVERSION_ID=40\n"),
            Entry::File(path, &database),
            Entry::File("usr/share/app/d1/file8", b"8"),
            Entry::File("usr/share/app/d1/other", b"not of a package"),
        ]);
        let scratch = Scratch::new();
        image(&scratch, "a.tar", "linux/amd64", &[layer]);
        let document = cyclonedx(&scratch, "a.tar");
        let components = document["components"].as_array().unwrap().iter();
        let mut found: Vec<&str> = components.filter_map(|c| c["purl"].as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{path}");
        let app = component(&document, "app");
        let source = properties(app, "aquasecurity:trivy:SrcName");
        assert_eq!(source, ["app"]);
        assert_eq!(app["licenses"][0]["expression"], "MIT AND GPL-2.0-only");
        let others = properties(&document["metadata"]["component"], "polyarch:other_file");
        assert_eq!(others, ["/usr/share/app/d1/other"], "{path}");
    }
}

/// Trivy takes packages of dpkg, apk and rpm only beside a component of this type, and in SPDX it knows that by the
/// start of its id.
#[test]
fn the_distribution_is_a_component() {
    let scratch = Scratch::new();
    let os = b"PRETTY_NAME=x\nID=debian\nVERSION_ID=\"12\"\n";
    let base = layer(&[
        Entry::File("usr/lib/os-release", os),
        Entry::File("var/lib/dpkg/status", DPKG.as_bytes()),
    ]);
    for platform in ["amd64", "arm64"] {
        image(
            &scratch,
            &format!("{platform}.tar"),
            &format!("linux/{platform}"),
            std::slice::from_ref(&base),
        );
    }
    scratch.run(&["merge", "-o", "app.tar", "amd64.tar", "arm64.tar"]);
    let document = cyclonedx(&scratch, "app.tar");
    let components = document["components"].as_array().unwrap().iter();
    let systems: Vec<&Value> = components
        .filter(|component| component["type"] == "operating-system")
        .collect();
    // Of both platforms: Trivy takes one only.
    assert_eq!(systems.len(), 1);
    assert_eq!(systems[0]["name"], "debian");
    assert_eq!(systems[0]["version"], "12");
    assert_eq!(
        properties(systems[0], "polyarch:path"),
        ["/usr/lib/os-release"]
    );
    let spdx = scratch.run(&["sbom", "--format", "spdx", "app.tar"]);
    let spdx: Value = serde_json::from_str(&spdx).unwrap();
    let packages = spdx["packages"].as_array().unwrap().iter();
    let systems: Vec<&Value> = packages
        .filter(|package| package["primaryPackagePurpose"] == "OPERATING-SYSTEM")
        .collect();
    assert_eq!(systems.len(), 1);
    assert_eq!(systems[0]["SPDXID"], "SPDXRef-OperatingSystem-os-debian-12");
    assert_eq!(systems[0]["versionInfo"], "12");
}

/// Advisories name source packages. Each format has them where Trivy looks.
#[test]
fn source_packages_are_where_scanners_look_for_them() {
    let scratch = Scratch::new();
    let dpkg = "\
Package: libc6
Source: glibc
Version: 2.36-9+deb12u10
Architecture: amd64

Package: bsdutils
Source: util-linux (2.38.1-5+deb12u3)
Version: 1:2.38.1-5+deb12u3
Architecture: amd64

Package: cpp
Source: gcc-defaults (1.203)
Version: 4:12.2.0-3
Architecture: amd64

Package: tzdata
Version: 2024a-0+deb12u1
Architecture: all
";
    let base = layer(&[
        Entry::File("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
        Entry::File("var/lib/dpkg/status.d/all", dpkg.as_bytes()),
    ]);
    image(&scratch, "a.tar", "linux/amd64", &[base]);
    let document = cyclonedx(&scratch, "a.tar");
    let spdx = scratch.run(&["sbom", "--format", "spdx", "a.tar"]);
    let spdx: Value = serde_json::from_str(&spdx).unwrap();
    let of = |name: &str| {
        let found = ["SrcName", "SrcVersion", "SrcRelease", "SrcEpoch"].map(|key| {
            let key = format!("aquasecurity:trivy:{key}");
            properties(component(&document, name), &key).concat()
        });
        let packages = spdx["packages"].as_array().unwrap().iter();
        let package = { packages }.find(|package| package["name"] == name);
        let text = package.unwrap()["sourceInfo"].as_str().unwrap_or_default();
        (found.join("|"), text.to_owned())
    };
    let expected = |properties: &str, text: &str| (properties.to_owned(), text.to_owned());
    assert_eq!(
        of("libc6"),
        expected("glibc|||", "built package from: glibc 2.36-9+deb12u10")
    );
    assert_eq!(
        of("bsdutils"),
        expected(
            "util-linux|2.38.1|5+deb12u3|",
            "built package from: util-linux 2.38.1-5+deb12u3"
        )
    );
    assert_eq!(
        of("cpp"),
        expected(
            "gcc-defaults|1.203||",
            "built package from: gcc-defaults 1.203"
        )
    );
    assert_eq!(of("tzdata"), expected("|||", ""));
}

#[test]
fn a_file_that_cannot_be_searched_is_a_warning() {
    let scratch = Scratch::new();
    let files = [
        Entry::File("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0"),
        Entry::File("var/lib/rpm/rpmdb.sqlite-wal", b"changes"),
        Entry::File("app/broken.jar", b"PK"),
    ];
    image(&scratch, "a.tar", "linux/amd64", &[layer(&files)]);
    let table = scratch.run(&["sbom", "a.tar"]);
    for warning in [
        "/var/lib/rpm/rpmdb.sqlite was not fully searched for packages: it is not a valid database of rpm",
        "/var/lib/rpm/rpmdb.sqlite-wal was not fully searched for packages: it has changes that are not in the database yet",
        "/app/broken.jar was not fully searched for packages: it is not a valid archive",
    ] {
        assert!(table.contains(warning), "{table}");
    }
}
