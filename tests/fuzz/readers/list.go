// Lists tar archives as archive/tar reads them: containerd, Docker, podman, skopeo and umoci use it.
// The protocol is that of src/readers.rs.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// The most that is read of a sparse file.
const most = 1 << 20

func list(archive []byte) string {
	var out bytes.Buffer
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return out.String()
		}
		if err != nil {
			fmt.Fprintf(&out, "error %v", err)
			return out.String()
		}
		kind := header.Typeflag
		switch kind {
		case tar.TypeXGlobalHeader:
			continue
		case tar.TypeRegA, tar.TypeGNUSparse:
			kind = tar.TypeReg
		}
		sum := crc32.NewIEEE()
		if _, err := io.Copy(sum, io.LimitReader(reader, most)); err != nil {
			fmt.Fprintf(&out, "error %v", err)
			return out.String()
		}
		fmt.Fprintf(&out, "%x %c %d %x %08x %o %d %d %d\n", header.Name, kind, header.Size, header.Linkname, sum.Sum32(),
			header.Mode&0o7777, header.Uid, header.Gid, header.ModTime.Unix())
	}
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		var size uint32
		if binary.Read(in, binary.BigEndian, &size) != nil {
			return
		}
		archive := make([]byte, size)
		if _, err := io.ReadFull(in, archive); err != nil {
			return
		}
		text := list(archive)
		binary.Write(out, binary.BigEndian, uint32(len(text)))
		out.WriteString(text)
		out.Flush()
	}
}
