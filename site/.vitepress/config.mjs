import { defineConfig } from 'vitepress';
import { boostDocument } from '../search.mjs';
import { guide, interfacePages } from '../sidebar.mjs';

const REPOSITORY = 'https://github.com/waitable-event/waitable-event';

/** Returns the anchor of a heading, as GitHub makes it: the pages are read there, too. */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
}

export default defineConfig({
  base: '/waitable-event/',
  srcDir: 'pages',
  outDir: 'dist',
  title: 'waitable-event',
  description: 'An event that any thread can set and any thread can wait for, with a run loop and tasks, for Node.js',
  lang: 'en',
  cleanUrls: false,
  lastUpdated: false,
  metaChunk: true,
  markdown: { anchor: { slugify: anchorOf } },
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  themeConfig: {
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/getting-started', activeMatch: '^/(?!api/)' },
      { text: 'Interface', link: '/api/', activeMatch: '^/api/' },
      { text: 'Errors', link: '/errors' },
      { text: 'Examples', link: '/examples' },
    ],
    sidebar: { '/': guide, '/api/': interfacePages() },
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: { boostDocument },
        },
      },
    },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    footer: { message: 'MIT licensed.' },
  },
});
