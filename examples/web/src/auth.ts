// The official client, and what this page does with its bearer token: keep it, send it, drop it.
import { createAuthClient } from "better-auth/react";
import * as token from "./token";

export const API: string = import.meta.env.VITE_API_URL;

export const auth = createAuthClient({
  baseURL: API,
  // The one there is follows the callbackURL of a sign-in, which here is only for the link of the mail.
  disableDefaultFetchPlugins: true,
  fetchOptions: {
    // The client's own choice is "include": it would send and keep cookies, and need a CORS answer that allows them.
    credentials: "omit",
    auth: { type: "Bearer", token: () => token.kept() ?? "" },
    onSuccess({ data, request, response }) {
      if (sent(request) !== token.kept()) return;
      const fresh = response.headers.get("set-auth-token");
      if (fresh) token.keep(fresh);
      // To a token that is worth nothing `/get-session` says null, and 200.
      else if (data === null && new URL(request.url).pathname.endsWith("/get-session")) token.drop();
    },
    onError({ request, response }) {
      if (response.status === 401 && sent(request) === token.kept()) token.drop();
    },
  },
});

/** The token that a request was sent with. Where another has been kept meanwhile, the answer says nothing about that one. */
const sent = ({ headers }: { headers: Headers }) => headers.get("authorization")?.replace("Bearer ", "") ?? null;

// The client tells other tabs of a sign-out, but not of a sign-in.
addEventListener("storage", ({ key }) => {
  if (key === token.KEY && token.kept() !== null) auth.$store.notify("$sessionSignal");
});
