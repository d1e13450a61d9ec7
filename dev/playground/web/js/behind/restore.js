// Settings and links are kept by Redis alone: who loses Redis brings them back from a backup, here one taken just before.
import { settings } from "../api.js";
import { store } from "../store.js";

export async function restoring(disaster) {
  const name = `projects/${store.config.project}`;
  const { document } = await settings("ExportProject", { name });
  await disaster();
  await settings("ImportProject", { name, document });
}
