import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => ({
  plugins: [react(), policy(loadEnv(mode, import.meta.dirname).VITE_API_URL)],
  // The API lets in the pages of one origin, so another port would not do.
  server: { strictPort: true },
  build: { modulePreload: { polyfill: false } },
}));

/**
 * Any script in the page can read the token, so nothing runs but what was built, and nobody is asked but the API. While the page
 * is developed Vite puts scripts of its own into it, therefore this is for the built page alone.
 */
function policy(api) {
  const rules = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "data:",
    "connect-src": api,
    "base-uri": "'none'",
    "form-action": "'none'",
  };
  const content = Object.entries(rules).map((rule) => rule.join(" ")).join("; ");
  return {
    name: "content-security-policy",
    apply: "build",
    transformIndexHtml: () => [{ tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content }, injectTo: "head-prepend" }],
  };
}
