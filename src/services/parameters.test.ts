import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import {
  type JsonObject,
  pickMediaType,
  readCollectionFormat,
  readStyle,
  writeBody,
  writeInCookie,
  writeInHeader,
  writeInPath,
  writeInQuery,
} from "./parameters.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const LIST = ["blue", "black", "brown"];
const OBJECT = { R: 100, G: 200, B: 150 };

function path(said: JsonObject, value: Json): string {
  return writeInPath("color", value, readStyle(said, "path", "color"));
}

function query(said: JsonObject, value: Json): string {
  return writeInQuery("color", value, readStyle(said, "query", "color")).join("&");
}

function collected(collectionFormat: string, value: Json): string {
  return writeInQuery("color", value, readCollectionFormat({ collectionFormat }, "query", "color")).join("&");
}

test("a path is written in the style that is said", () => {
  const rows: [JsonObject, Json, string][] = [
    [{}, "blue", "blue"],
    [{}, LIST, "blue,black,brown"],
    [{}, OBJECT, "R,100,G,200,B,150"],
    [{ explode: true }, OBJECT, "R=100,G=200,B=150"],
    [{ style: "label" }, "blue", ".blue"],
    [{ style: "label" }, LIST, ".blue,black,brown"],
    [{ style: "label", explode: true }, LIST, ".blue.black.brown"],
    [{ style: "label" }, OBJECT, ".R,100,G,200,B,150"],
    [{ style: "label", explode: true }, OBJECT, ".R=100.G=200.B=150"],
    [{ style: "matrix" }, "", ";color"],
    [{ style: "matrix" }, "blue", ";color=blue"],
    [{ style: "matrix" }, LIST, ";color=blue,black,brown"],
    [{ style: "matrix", explode: true }, LIST, ";color=blue;color=black;color=brown"],
    [{ style: "matrix" }, OBJECT, ";color=R,100,G,200,B,150"],
    [{ style: "matrix", explode: true }, OBJECT, ";R=100;G=200;B=150"],
    [{ content: { "application/json": {} } }, { a: [1] }, "%7B%22a%22%3A%5B1%5D%7D"],
  ];
  for (const [said, value, text] of rows) assert.equal(path(said, value), text);
});

test("a query is written in the style that is said", () => {
  const rows: [JsonObject, Json, string][] = [
    [{}, "", "color="],
    [{}, "blue", "color=blue"],
    [{}, LIST, "color=blue&color=black&color=brown"],
    [{ explode: false }, LIST, "color=blue,black,brown"],
    [{}, OBJECT, "R=100&G=200&B=150"],
    [{ explode: false }, OBJECT, "color=R,100,G,200,B,150"],
    [{ style: "spaceDelimited" }, LIST, "color=blue%20black%20brown"],
    [{ style: "spaceDelimited", explode: true }, LIST, "color=blue&color=black&color=brown"],
    [{ style: "pipeDelimited" }, LIST, "color=blue%7Cblack%7Cbrown"],
    [{ style: "pipeDelimited" }, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150"],
    [{ style: "deepObject", explode: true }, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"],
    [{ style: "deepObject" }, { a: { b: ["x", "y"] } }, "color%5Ba%5D%5Bb%5D%5B0%5D=x&color%5Ba%5D%5Bb%5D%5B1%5D=y"],
    [{ content: { "application/json": {} } }, [1, null], "color=%5B1%2Cnull%5D"],
    [{ content: { "text/plain": {} } }, "as it is", "color=as%20it%20is"],
    [{}, [], ""],
    [{}, { gone: null }, ""],
  ];
  for (const [said, value, text] of rows) assert.equal(query(said, value), text);
});

test("reserved signs stay where they are allowed, except those that end a value", () => {
  assert.equal(query({ allowReserved: true }, "/a/b?c=d,e&f#g+h%2Fi[j]"), "color=/a/b?c=d,e%26f%23g%2Bh%2Fi%5Bj%5D");
  assert.equal(query({}, "/a/b?c=d"), "color=%2Fa%2Fb%3Fc%3Dd");
});

test("a query of Swagger 2 is written in its collection format, csv where none is said", () => {
  assert.equal(collected("csv", LIST), "color=blue,black,brown");
  assert.equal(collected("ssv", LIST), "color=blue%20black%20brown");
  assert.equal(collected("tsv", LIST), "color=blue%09black%09brown");
  assert.equal(collected("pipes", LIST), "color=blue%7Cblack%7Cbrown");
  assert.equal(collected("multi", LIST), "color=blue&color=black&color=brown");
  assert.equal(writeInPath("color", LIST, readCollectionFormat({}, "path", "color")), "blue,black,brown");
  assert.throws(() => collected("tree", LIST), { code: "OPENAPI_INVALID" });
});

test("a header is a line, a cookie is a pair", () => {
  const inHeader = (value: Json, said: JsonObject = {}) => writeInHeader("x-color", value, readStyle(said, "header", "x-color"));
  const inCookie = (value: Json) => writeInCookie("color", value, readStyle({ explode: false }, "cookie", "color"));
  assert.equal(inHeader("deep blue"), "deep blue");
  assert.equal(inHeader(LIST), "blue,black,brown");
  assert.equal(inHeader(OBJECT, { explode: true }), "R=100,G=200,B=150");
  assert.equal(inHeader([]), null);
  assert.deepEqual(inCookie("a; admin=true"), ["color=a%3B%20admin%3Dtrue"]);
  assert.deepEqual(inCookie(LIST), ["color=blue,black,brown"]);
  for (const value of ["a\r\nx-admin: 1", "a\nb", "a\0b", "🎺"]) {
    assert.throws(() => inHeader(value), { code: "OPENAPI_PARAMETER_INVALID" });
  }
});

test("what a style cannot carry is a problem", () => {
  assert.throws(() => query({}, [["nested"]]), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.throws(() => query({}, "\ud800"), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.throws(() => path({}, ""), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.throws(() => path({}, []), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.throws(() => path({ style: "form" }, "x"), { code: "OPENAPI_INVALID" });
  assert.throws(() => query({ style: "constructor" }, "x"), { code: "OPENAPI_INVALID" });
});

test("a text comes out of a query and of a path's segment as it went in", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  fc.assert(
    fc.property(text, fc.boolean(), (value, explode) => {
      const url = new URL(`https://h/?${query({ explode }, value)}&last=1`);
      assert.equal(url.searchParams.get("color"), value);
      assert.equal(url.searchParams.get("last"), "1");
      assert.equal(decodeURIComponent(path({}, value)), value);
      assert.doesNotMatch(path({}, value), /[/?#\\]/);
    }),
  );
});

test("JSON is liked best of the media types that are offered, and what is not known comes last", () => {
  assert.equal(
    pickMediaType(["text/plain", "application/xml", "application/json; charset=utf-8"]),
    "application/json; charset=utf-8",
  );
  assert.equal(pickMediaType(["multipart/form-data", "application/vnd.api+json"]), "application/vnd.api+json");
  assert.equal(
    pickMediaType(["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]),
    "application/x-www-form-urlencoded",
  );
  assert.equal(pickMediaType(["application/xml"]), "application/xml");
  assert.equal(pickMediaType([]), null);
});

test("a form is written as its fields say", () => {
  const fields = new Map([["expand", { writing: readStyle({ style: "deepObject" }, "query", "expand") }]]);
  const { text, contentType } = writeBody(
    { name: "Ada & co", tags: ["a", "b"], expand: ["x"], more: { n: 1 }, gone: null },
    "application/x-www-form-urlencoded",
    fields,
  );
  assert.equal(text, "name=Ada%20%26%20co&tags=a&tags=b&expand%5B0%5D=x&more=%7B%22n%22%3A1%7D");
  assert.equal(contentType, "application/x-www-form-urlencoded");
});

test("a multipart body is read by others as it was meant, and is the same every time", async () => {
  const value = {
    note: "one\r\ntwo",
    tags: ["a", "b"],
    more: { n: 1 },
    file: { fileName: "a.csv", content: "x,y", contentType: "text/csv" },
  };
  const body = writeBody(value, "multipart/form-data", new Map());
  assert.deepEqual(writeBody(value, "multipart/form-data", new Map()), body);
  const form = await new Response(body.text, { headers: { "content-type": body.contentType } }).formData();
  const file = form.get("file");
  assert.equal(form.get("note"), "one\r\ntwo");
  assert.deepEqual(form.getAll("tags"), ["a", "b"]);
  assert.ok(file instanceof File);
  assert.deepEqual([file.name, file.type, await file.text()], ["a.csv", "text/csv", "x,y"]);
  assert.match(body.text, /name="more"\r\nContent-Type: application\/json\r\n\r\n\{"n":1\}/);
});

test("H22 the name of a file stays a name", () => {
  const named = (fileName: string) => {
    const { text } = writeBody({ f: { fileName, content: "" } }, "multipart/form-data", new Map());
    return /filename="([^\r\n]*)"/.exec(text)?.[1];
  };
  assert.equal(named("../../etc/passwd"), "passwd");
  assert.equal(named("C:\\temp\\a.txt"), "a.txt");
  assert.equal(named('a"\r\nX-Evil: 1\r\n\r\n.txt'), "a___X-Evil_ 1____.txt");
  assert.equal(named(".."), "file");
  assert.equal(named(".htaccess"), "htaccess");
  const field = writeBody({ 'a"\r\nb': "1" }, "multipart/form-data", new Map()).text;
  assert.match(field, /name="a%22%0D%0Ab"\r\n/);
});

test("a body that its media type cannot carry is a problem", () => {
  assert.throws(() => writeBody({ a: 1 }, "text/plain", new Map()), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.throws(() => writeBody("a", "multipart/form-data", new Map()), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.throws(() => writeBody("\ud800", "text/plain", new Map()), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.throws(() => writeBody({}, "application/json\r\nx-admin: 1", new Map()), { code: "OPENAPI_PARAMETER_INVALID" });
  assert.deepEqual(writeBody("<a/>", "application/xml", new Map()), { contentType: "application/xml", text: "<a/>" });
  assert.deepEqual(writeBody({ a: 1 }, "*/*", new Map()), { contentType: "application/json", text: '{"a":1}' });
});
