// The page's scripts are ES modules with the ending .js; Node takes them for such only where a package.json says so.
import { register } from "node:module";

const hook = `export async function load(url, context, next) {
  return next(url, url.includes("/hsi_studio/") && url.endsWith(".js") ? { ...context, format: "module" } : context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
