window.ui = SwaggerUIBundle({
  url: "/skaha/openapi.yaml",
  dom_id: "#contract",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  persistAuthorization: true,
  validatorUrl: null,
  syntaxHighlight: { theme: "nord" },
});
