// Follows the links of the rendered book: pages and anchors in it, files of the repository around it. Links to other servers are
// looked at for their form alone, so that no other server decides whether a change may go in.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** For each page { page, links, broken: [text] }. `folder` is the rendered book, `root` the repository that it lies in. */
export function brokenLinks(folder, root) {
  const pages = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".html") && !["print.html", "404.html", "toc.html"].includes(file));
  return pages.sort().map((page) => {
    const from = join(folder, page);
    const links = [...new Set([...content(from).matchAll(/<a [^>]*?href="([^"]*)"/g), ...content(from).matchAll(/<img [^>]*?src="([^"]*)"/g)].map(([, link]) => link.replaceAll("&amp;", "&")))];
    return { page, links: links.length, broken: links.filter((link) => !leadsSomewhere(link, from, folder, root)) };
  });
}

const content = (file) => readFileSync(file, "utf8");

function leadsSomewhere(link, from, folder, root) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return URL.canParse(link) && /^https?:$/.test(new URL(link).protocol);
  const [path, anchor] = link.split("#").map(decodeURIComponent);
  const target = path === "" ? from : resolve(dirname(from), path);
  if (inside(target, folder)) return existsSync(target) && (!anchor || ids(target).has(anchor));
  if (!inside(target, root)) return false;
  // mdBook writes `.html` for every `.md`; outside the book there are the sources alone.
  const file = existsSync(target) ? target : target.replace(/\.html$/, ".md");
  if (!existsSync(file)) return false;
  return !anchor || (statSync(file).isFile() && headings(file).has(anchor));
}

const inside = (file, folder) => !relative(folder, file).startsWith(`..${sep}`) && relative(folder, file) !== "..";

const ids = (file) => new Set([...content(file).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));

/** The anchors of a Markdown file, as GitHub makes them. */
function headings(file) {
  const titles = [...content(file).replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#{1,6} (.+)$/gm)].map(([, title]) => title);
  return new Set(titles.map((title) => title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-")));
}
