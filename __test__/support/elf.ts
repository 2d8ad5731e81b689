/** What an ELF file needs of its libraries: the symbols of each version. */
type Needs = Record<string, Record<string, string[]>>;

interface ElfOptions {
  machine?: number;
  is64?: boolean;
  littleEndian?: boolean;
  needs?: Needs;
}

/** Numbers in the order in which they stand in the file, with their sizes in bytes. */
type Fields = [size: 2 | 4 | 8, value: number][];

const half = (value: number): Fields[number] => [2, value];
const word = (value: number): Fields[number] => [4, value];
const zeros = (bytes: number): Fields => Array.from({ length: bytes / 4 }, () => word(0));

function encode(fields: Fields, littleEndian: boolean): Buffer {
  return Buffer.concat(
    fields.map(([size, value]) => {
      const bytes = Buffer.alloc(size);
      bytes.writeUIntLE(value, 0, Math.min(size, 6));
      return littleEndian ? bytes : Buffer.from(bytes.toReversed());
    }),
  );
}

/** Strings of an ELF file, each with a zero at its end. */
class StringTable {
  text = '\0';

  add(name: string): number {
    const offset = this.text.length;
    this.text += `${name}\0`;
    return offset;
  }
}

/** Makes an ELF file with sections, symbols and versions, and nothing that could run. */
export function makeElf({ machine = 62, is64 = true, littleEndian = true, needs = {} }: ElfOptions): Buffer {
  const address = (value: number): Fields[number] => [is64 ? 8 : 4, value];
  const [headerSize, sectionSize, symbolSize] = is64 ? [64, 64, 24] : [52, 40, 16];

  const strings = new StringTable();
  const symbols: Fields = zeros(symbolSize);
  const indices: Fields = [half(0)];
  const versions: Fields = [];
  const libraries = Object.entries(needs);
  let index = 2;
  libraries.forEach(([library, byVersion], position) => {
    const entries = Object.entries(byVersion);
    const next = position === libraries.length - 1 ? 0 : 16 * (1 + entries.length);
    versions.push(half(1), half(entries.length), word(strings.add(library)), word(16), word(next));
    entries.forEach(([version, names], entry) => {
      const following = entry === entries.length - 1 ? 0 : 16;
      versions.push(word(0), half(0), half(index), word(strings.add(version)), word(following));
      for (const name of names) {
        symbols.push(word(strings.add(name)), ...zeros(symbolSize - 4));
        indices.push(half(index));
      }
      index += 1;
    });
  });

  const contents: [type: number, link: number, content: Buffer][] = [
    [0, 0, Buffer.alloc(0)],
    [11, 2, encode(symbols, littleEndian)],
    [3, 0, Buffer.from(strings.text, 'latin1')],
    [0x6fffffff, 1, encode(indices, littleEndian)],
  ];
  if (versions.length > 0) contents.push([0x6ffffffe, 2, encode(versions, littleEndian)]);

  let offset = headerSize + contents.length * sectionSize;
  const sections = contents.flatMap(([type, link, content]): Fields => {
    const start = offset;
    offset += content.length;
    const place: Fields = [address(0), address(start), address(content.length)];
    return [word(0), word(type), address(0), ...place, word(link), word(0), address(1), address(0)];
  });
  const identity = Buffer.alloc(16);
  identity.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, littleEndian ? 1 : 2, 1]);
  const header: Fields = [half(3), half(machine), word(1), address(0), address(0), address(headerSize), word(0)];
  for (const value of [headerSize, 0, 0, sectionSize, contents.length, 2]) header.push(half(value));
  return Buffer.concat([
    identity,
    encode(header, littleEndian),
    encode(sections, littleEndian),
    ...contents.map(([, , content]) => content),
  ]);
}
