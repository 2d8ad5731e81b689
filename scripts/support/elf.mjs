// Reads from an ELF file which versions of its libraries' symbols it needs. Both word sizes, both byte orders.

const SHT_SYMTAB = 2;
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const DT_NEEDED = 1;

/** Node's names of the processors that the package is built for. */
const ARCHITECTURES = { 21: 'ppc64', 22: 's390x', 40: 'arm', 62: 'x64', 183: 'arm64', 243: 'riscv64' };

/** The bytes of an ELF file, read by offset in the file's own word size and byte order. */
class ElfReader {
  #view;
  #bytes;
  #littleEndian;
  is64;

  constructor(bytes) {
    if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) {
      throw new Error('not an ELF file');
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.is64 = bytes[4] === 2;
    this.#littleEndian = bytes[5] === 1;
  }

  half(offset) {
    return this.#view.getUint16(offset, this.#littleEndian);
  }

  word(offset) {
    return this.#view.getUint32(offset, this.#littleEndian);
  }

  /** A number as wide as an address. */
  address(offset) {
    return this.is64 ? Number(this.#view.getBigUint64(offset, this.#littleEndian)) : this.word(offset);
  }

  string(offset) {
    return this.#bytes.toString('latin1', offset, this.#bytes.indexOf(0, offset));
  }

  /** The sections, by their types. Of each type that is read here there is one. */
  sections() {
    const start = this.address(this.is64 ? 40 : 32);
    const size = this.half(this.is64 ? 58 : 46);
    const count = this.half(this.is64 ? 60 : 48);
    const all = Array.from({ length: count }, (_, index) => {
      const at = start + index * size;
      return this.is64
        ? {
            type: this.word(at + 4),
            offset: this.address(at + 24),
            size: this.address(at + 32),
            link: this.word(at + 40),
          }
        : { type: this.word(at + 4), offset: this.word(at + 16), size: this.word(at + 20), link: this.word(at + 24) };
    });
    return { all, find: (type) => all.find((section) => section.type === type) };
  }
}

/** Returns the names of versions, by the index that a symbol has for its version. */
function readVersions(elf, all, needs) {
  const versions = new Map();
  const strings = all[needs.link].offset;
  for (let at = needs.offset, more = true; more;) {
    const library = elf.string(strings + elf.word(at + 4));
    let entry = at + elf.word(at + 8);
    for (let count = elf.half(at + 2); count > 0; count -= 1) {
      const version = elf.string(strings + elf.word(entry + 8));
      // The highest bit marks a symbol that is hidden.
      versions.set(elf.half(entry + 6) & 0x7fff, { version, library });
      entry += elf.word(entry + 12);
    }
    const next = elf.word(at + 12);
    at += next;
    more = next !== 0;
  }
  return versions;
}

/**
 * Reads an ELF file. Returns its architecture by Node's name, the libraries that it needs, and its symbols that have a
 * version in one of them: `{ symbol, version, library }`. A version that no symbol has is listed without `symbol`.
 */
export function readElf(bytes) {
  const elf = new ElfReader(bytes);
  const { all, find } = elf.sections();
  const symbols = [];
  const [needs, indices, table] = [SHT_GNU_VERNEED, SHT_GNU_VERSYM, SHT_DYNSYM].map(find);
  if (needs !== undefined) {
    const versions = readVersions(elf, all, needs);
    const unused = new Set(versions.keys());
    const size = elf.is64 ? 24 : 16;
    for (let index = 0; index < (indices?.size ?? 0) / 2; index += 1) {
      const version = elf.half(indices.offset + 2 * index) & 0x7fff;
      if (versions.has(version)) {
        unused.delete(version);
        const name = elf.string(all[table.link].offset + elf.word(table.offset + index * size));
        symbols.push({ symbol: name, ...versions.get(version) });
      }
    }
    for (const version of unused) symbols.push(versions.get(version));
  }
  return { arch: ARCHITECTURES[elf.half(18)], libraries: readLibraries(elf, all, find(SHT_DYNAMIC)), symbols };
}

/** Tells whether an ELF file has no table of symbols beside the one that is needed to load it. */
export function isStripped(bytes) {
  return new ElfReader(bytes).sections().find(SHT_SYMTAB) === undefined;
}

function readLibraries(elf, all, dynamic) {
  const libraries = [];
  const size = elf.is64 ? 8 : 4;
  for (let at = dynamic?.offset ?? 0; at < (dynamic?.offset ?? 0) + (dynamic?.size ?? 0); at += 2 * size) {
    if (elf.address(at) === DT_NEEDED) libraries.push(elf.string(all[dynamic.link].offset + elf.address(at + size)));
  }
  return libraries;
}
