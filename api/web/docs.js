// Starts Swagger UI; a key of this tab is used, and others can be given under Authorize.
const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  showExtensions: true,
  validatorUrl: null, // its own default, a badge from a validator on another host, is not wanted
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  onComplete: () => {
    const key = sessionStorage.getItem("reelgraph-key");
    if (key) ui.preauthorizeApiKey("bearer", key);
  },
});
