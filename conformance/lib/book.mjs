// What a chapter of the book has a reader do, and whether what comes back is what it shows.

/** Whether a line starts something which runs until the end of the chapter. */
const isServer = (line) => /^(hallpass (serve|proxy)|cargo run|python3 -m http\.server)\b/.test(line);

/**
 * The steps of a chapter in their order: { kind, line, title, text } and
 * - kind "sh": shell lines, with `expected` if a block of text follows them directly, `fails` if they are meant to, and `server` if
 *   the last line starts one, which `runsOn` can tell;
 * - kind "file": `name`, for a block whose first line is a comment that names a file;
 * - kind "js": a program, for its syntax.
 */
export function chapterSteps(markdown, runsOn = isServer) {
  const blocks = fences(markdown);
  return blocks.flatMap((block, index) => {
    const [language, ...marks] = block.info.split(/[,\s]+/);
    const step = { line: block.line, text: block.text, title: block.text.split("\n", 1)[0] };
    if (language === "js") return [{ ...step, kind: "js" }];
    const named = /^(?:#|\/\/) ([\w.-]+\.\w+)$/.exec(step.title);
    if (language === "toml" && named) return [{ ...step, kind: "file", name: named[1] }];
    if (language !== "sh") return [];
    const next = blocks[index + 1];
    const shown = next && next.info === "text" && next.follows ? next.text : undefined;
    const server = runsOn(step.text.trimEnd().split("\n").at(-1));
    return [{ ...step, kind: "sh", fails: marks.includes("fails"), server, expected: shown }];
  });
}

/** Fenced blocks, with the line each begins at, and whether nothing but blank lines and a sentence is between it and the one before. */
function fences(markdown) {
  const blocks = [];
  let open;
  let between = 0;
  markdown.split("\n").forEach((line, index) => {
    if (open && line.trim() === "```") {
      blocks.push({ ...open, text: `${open.lines.join("\n")}\n` });
      [open, between] = [undefined, 0];
    } else if (open) {
      open.lines.push(line);
    } else if (line.startsWith("```")) {
      open = { info: line.slice(3).trim(), line: index + 1, lines: [], follows: between === 0 };
    } else if (line.trim() !== "") {
      between += 1;
    }
  });
  if (open) throw new Error(`line ${open.line}: a block without an end`);
  return blocks;
}

/** What is drawn anew each time, and what takes its place when outputs are compared. */
const MADE_UP = [
  [/…/, "[\\s\\S]*?"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/, "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z"],
  [/\b[A-Za-z0-9]{32}\.[A-Za-z0-9+/%]{43,}(?:=|%3D)/, "[A-Za-z0-9]{32}\\.[A-Za-z0-9+/%]{43,}(?:=|%3D)"],
  [/\b[A-Za-z0-9]{32}\b/, "[A-Za-z0-9]{32}"],
  [/curl\/[\d.]+/, "curl/[\\d.]+"],
];

/** Whether an output is the one shown. Ids, tokens, dates and versions of curl are any; `…` is anything. */
export function matches(shown, output) {
  const any = new RegExp(`(${MADE_UP.map(([found]) => found.source).join("|")})`);
  const pattern = tidy(shown)
    .split(any)
    .map((part, index) => (index % 2 ? MADE_UP.find(([found]) => new RegExp(`^(?:${found.source})$`).test(part))[1] : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")))
    .join("");
  return new RegExp(`^${pattern}$`).test(tidy(output));
}

const tidy = (text) =>
  text
    .replace(/\r/g, "")
    .replace(/\x1b\[[0-9;]*m/g, "")
    .replace(/[ \t]+$/gm, "")
    .replace(/ {2,}/g, " ")
    .replace(/\n{2,}/g, "\n")
    .trim();
