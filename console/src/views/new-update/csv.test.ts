import { describe, expect, it } from "vitest";
import { decoded, FileError, fileOf } from "./csv";

/** The fault of a file, as `LINE what detail`. */
function faultOf(text: string): string {
  try {
    fileOf(text);
    return "none";
  } catch (error) {
    if (error instanceof FileError) {
      const { line, what, detail } = error.fault;
      return `${line} ${what} ${detail}`.trim();
    }
    throw error;
  }
}

describe("a file of values", () => {
  it("names devices, and says of each what its cells say", () => {
    const text = '\ufeffid, Name ,"a,b"\r\nx,"one ""two""\nthree",\r\n\r\ny,,1\r\n';
    expect(fileOf(text)).toEqual({
      columns: ["Name", "a,b"],
      devices: [
        { id: "x", own: { Name: 'one "two"\nthree' } },
        { id: "y", own: { "a,b": "1" } },
      ],
    });
  });

  it("has its cells parted as the spreadsheet of the country does it", () => {
    const rows = { columns: ["a"], devices: [{ id: "x", own: { a: "1,5" } }] };
    expect(fileOf("id;a\nx;1,5\n;\n")).toEqual(rows);
    expect(fileOf("id\ta\rx\t1,5\r\t\r")).toEqual(rows);
  });

  it("is not taken where it is wrong, with the line", () => {
    expect(faultOf("")).toBe("1 empty");
    expect(faultOf("id,a\n")).toBe("1 empty");
    expect(faultOf("a,b\nx,1\n")).toBe("1 noId");
    expect(faultOf("id,,b\nx,1,2\n")).toBe("1 unnamed 2");
    expect(faultOf("id,a,a\nx,1,2\n")).toBe("1 twice a");
    expect(faultOf('id,a\n"x\nz",1\n\ny\n')).toBe("5 cells 1 / 2");
    expect(faultOf("id,a\n,1\n")).toBe("2 emptyId");
    expect(faultOf("id,a\nx,1\nx,2\n")).toBe("3 idTwice x");
    expect(faultOf('id,a\nx,"1\n')).toBe("2 quote");
    const many = Array.from({ length: 8_097 }, (_, index) => `d${index},1`).join("\n");
    expect(faultOf(`id,a\n${many}`)).toBe("8098 tooMany 8096");
  });

  it("may be written as Excel writes it in China", () => {
    const bytes = new Uint8Array([0xb6, 0xab, 0xc3, 0xc5]);
    expect(decoded(bytes.buffer)).toBe("东门");
    expect(decoded(new TextEncoder().encode("东门").buffer)).toBe("东门");
    expect(decoded(new Uint8Array([0xff, 0xfe, 0x1c, 0x4e, 0xe8, 0x95]).buffer)).toBe("东门");
    expect(decoded(new Uint8Array([0xfe, 0xff, 0x4e, 0x1c, 0x95, 0xe8]).buffer)).toBe("东门");
  });
});
