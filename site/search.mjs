// How the site's search orders what it finds.

/**
 * Returns the weight of a page, by its address: guides come before the pages of single classes, and those before what
 * is for contributors. VitePress sends the text of this function to the browser, so it uses nothing from outside.
 */
export function boostDocument(address) {
  if (/\/(?:architecture|changelog|contributing|dependencies|results)\.html/.test(address)) return 0.3;
  return address.includes('/api/') ? 0.5 : 1;
}
