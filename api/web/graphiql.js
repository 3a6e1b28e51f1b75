// Starts GraphiQL at the address of this page, with the key that the page was given in this tab. Another one: in the
// headers' editor, as Authorization.
const example = `# Titles of two genres above a rating, the most voted first. More examples: docs/graphql.md.
{
  titles(filter: {genres: {all: ["Crime", "Drama"]}, rating: {from: 8.5}, years: {from: 1970, to: 1999}}, first: 5) {
    totalCount
    edges {
      node {
        title
        startYear
        averageRating
        credits(roles: [ACTED_IN], first: 3) { edges { characters node { name } } }
      }
    }
  }
}
`;

const key = sessionStorage.getItem("reelgraph-key");
const place = document.getElementById("graphiql");
document.body.style.margin = "0";
place.style.height = "100vh";
ReactDOM.createRoot(place).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({
      url: window.location.pathname,
      headers: key ? { Authorization: `Bearer ${key}` } : {},
    }),
    defaultQuery: example,
    isHeadersEditorEnabled: true,
  }),
);
