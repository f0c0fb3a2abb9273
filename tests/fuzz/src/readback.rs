//! Reads an output back and checks that all its parts agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use polyarch::internals::bytes::codec::Encoding;
use polyarch::internals::oci::Hasher;
use polyarch::oci::{Digest, Platform};
use serde_json::Value;

/// Returns the digest of the image index.
pub fn read_back(path: &Path) -> Digest {
    let files = match path.is_dir() {
        true => directory(path),
        false => archive(&fs::read(path).unwrap()),
    };
    let output = Output {
        seen: BTreeSet::new(),
        files,
    };
    output.check()
}

fn directory(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let walk = walkdir::WalkDir::new(root).follow_links(true);
    walk.into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap();
            (name.to_owned(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn archive(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let kind = entry.header().entry_type();
        assert!(kind.is_file() || kind.is_dir());
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if kind.is_file() {
            assert!(
                files.insert(name, content).is_none(),
                "an entry is there twice"
            );
        }
    }
    files
}

struct Output {
    files: BTreeMap<String, Vec<u8>>,
    seen: BTreeSet<String>,
}

impl Output {
    fn check(mut self) -> Digest {
        let marker = self.files.remove("oci-layout").unwrap();
        assert_eq!(marker, br#"{"imageLayoutVersion":"1.0.0"}"#);
        let root = self.files.remove("index.json").unwrap();
        let docker = self.files.remove("manifest.json");
        let root: Value = serde_json::from_slice(&root).unwrap();
        let [top] = &root["manifests"].as_array().unwrap()[..] else {
            panic!("not one descriptor in {root}");
        };
        let index = self.json(top, "application/vnd.oci.image.index.v1+json");
        let manifests = index["manifests"].as_array().unwrap();
        let platforms: Vec<Platform> = manifests
            .iter()
            .map(|descriptor| self.image(descriptor))
            .collect();
        let images = platforms.iter().zip(manifests);
        let images: Vec<&Platform> = images
            .filter(|(_, descriptor)| !is_attestation(descriptor))
            .map(|(platform, _)| platform)
            .collect();
        for pair in images.windows(2) {
            assert!(
                pair[0].cmp_place(pair[1]).is_lt(),
                "{} {}",
                pair[0],
                pair[1]
            );
        }
        let names: BTreeSet<String> = self.files.keys().cloned().collect();
        assert_eq!(names, self.seen, "files and named blobs");
        if let Some(docker) = docker {
            self.docker(&docker);
        }
        top["digest"].as_str().unwrap().parse().unwrap()
    }

    /// Returns the platform of an image in the index.
    fn image(&mut self, descriptor: &Value) -> Platform {
        let platform: Platform = serde_json::from_value(descriptor["platform"].clone()).unwrap();
        let manifest = self.json(descriptor, "application/vnd.oci.image.manifest.v1+json");
        let config = &manifest["config"];
        let layers = manifest["layers"].as_array().unwrap();
        if config["mediaType"] != "application/vnd.oci.image.config.v1+json" {
            // An artifact: only its index has a platform.
            self.blob(config);
            layers.iter().for_each(|layer| drop(self.blob(layer)));
            return platform;
        }
        let config = self.json(config, "application/vnd.oci.image.config.v1+json");
        let text = |key: &str| config[key].as_str().map(str::to_owned);
        let said = Platform {
            os: text("os").unwrap(),
            architecture: text("architecture").unwrap(),
            variant: text("variant").filter(|v| !v.is_empty()),
            ..Platform::default()
        };
        assert!(
            said.narrowed_by(&platform).is_some(),
            "{said} is called {platform}"
        );
        let diff_ids = &config["rootfs"]["diff_ids"];
        let diff_ids = diff_ids.as_array().map_or(&[][..], |ids| ids);
        assert_eq!(layers.len(), diff_ids.len());
        for (layer, diff_id) in layers.iter().zip(diff_ids) {
            self.layer(layer, diff_id.as_str().unwrap().parse().unwrap());
        }
        platform
    }

    fn layer(&mut self, layer: &Value, diff_id: Digest) {
        let Some(bytes) = self.blob(layer) else {
            let media_type = layer["mediaType"].as_str().unwrap();
            assert!(layer["urls"].is_array() && media_type.contains("nondistributable"));
            return;
        };
        let encoding = match layer["mediaType"].as_str().unwrap() {
            "application/vnd.oci.image.layer.v1.tar" => Encoding::Plain,
            "application/vnd.oci.image.layer.v1.tar+gzip" => Encoding::Gzip,
            "application/vnd.oci.image.layer.v1.tar+zstd" => Encoding::Zstd,
            other => return assert!(!other.starts_with("application/vnd.docker."), "{other}"),
        };
        assert_eq!(Encoding::sniff(&bytes), encoding);
        let mut hasher = Hasher::new(diff_id.algorithm());
        let mut content = encoding.decode(Cursor::new(bytes)).unwrap();
        let mut chunk = vec![0; 64 << 10];
        while let n @ 1.. = content.read(&mut chunk).unwrap() {
            hasher.update(&chunk[..n]);
        }
        assert_eq!(hasher.finish(), diff_id);
    }

    fn docker(&self, manifest: &[u8]) {
        let items: Value = serde_json::from_slice(manifest).unwrap();
        for item in items.as_array().unwrap() {
            assert!(self.files.contains_key(item["Config"].as_str().unwrap()));
        }
    }

    fn json(&mut self, descriptor: &Value, media_type: &str) -> Value {
        assert_eq!(descriptor["mediaType"], media_type);
        serde_json::from_slice(&self.blob(descriptor).unwrap()).unwrap()
    }

    /// Returns the bytes that a descriptor names, checked against it.
    fn blob(&mut self, descriptor: &Value) -> Option<Vec<u8>> {
        let digest: Digest = descriptor["digest"].as_str().unwrap().parse().unwrap();
        let bytes = self.files.get(&digest.blob_path())?;
        let mut hasher = Hasher::new(digest.algorithm());
        hasher.update(bytes);
        assert_eq!(hasher.finish(), digest);
        assert_eq!(descriptor["size"], bytes.len());
        self.seen.insert(digest.blob_path());
        Some(bytes.clone())
    }
}

fn is_attestation(descriptor: &Value) -> bool {
    descriptor["annotations"]["vnd.docker.reference.type"] == "attestation-manifest"
}
